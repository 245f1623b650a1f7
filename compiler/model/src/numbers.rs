//! Stable numbers of things that have no place for one of their own: variants, parts of records and
//! the authors' reasons.
//!
//! Invariant: numbers ascend with the indices, and there is one form for each: where every number is
//! its index, nothing is kept.

use serde::{Deserialize, Serialize};

/// The stable numbers of the things of a list, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Numbers(Vec<u16>);

impl Numbers {
    /// Each is its index.
    pub const NONE: Numbers = Numbers(Vec::new());

    /// Numbers that ascend.
    pub fn of(numbers: Vec<u16>) -> Numbers {
        if (0u16..).zip(&numbers).all(|(index, number)| index == *number) {
            return Numbers::default();
        }
        Numbers(numbers)
    }

    /// Whether each number is its index.
    pub fn are_indices(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of the thing with this index.
    pub fn at(&self, index: u16) -> u16 {
        self.0.get(usize::from(index)).copied().unwrap_or(index)
    }

    /// The index of the thing with this number; of a list where each is its index, whatever its length,
    /// the number.
    pub fn index_of(&self, number: u16) -> Option<u16> {
        if self.are_indices() {
            return Some(number);
        }
        let found = self.0.binary_search(&number).ok()?;
        u16::try_from(found).ok()
    }

    /// Whether they are the numbers of so many things, in their one form.
    pub(crate) fn fit(&self, count: usize) -> bool {
        let one_form = self.are_indices() || !Numbers::of(self.0.clone()).are_indices();
        let whole = self.are_indices() || self.0.len() == count;
        one_form && whole && self.0.is_sorted_by(|a, b| a < b)
    }

    /// The highest that is kept.
    pub(crate) fn highest(&self) -> u16 {
        self.0.last().copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Numbers;

    #[test]
    fn indices_are_kept_as_nothing() {
        assert_eq!(Numbers::of(vec![0, 1, 2]), Numbers::default());
        assert!(Numbers::default().fit(3));
        assert!(!Numbers(vec![0, 1, 2]).fit(3), "a second form of the same numbers");
    }

    #[test]
    fn a_gap_is_kept() {
        let numbers = Numbers::of(vec![0, 2, 7]);
        assert!(numbers.fit(3) && !numbers.fit(2));
        assert_eq!([0, 1, 2].map(|index| numbers.at(index)), [0, 2, 7]);
        assert_eq!([0, 1, 2, 7].map(|n| numbers.index_of(n)), [Some(0), None, Some(1), Some(2)]);
    }

    #[test]
    fn numbers_ascend() {
        assert!(!Numbers(vec![2, 1]).fit(2));
        assert!(!Numbers(vec![1, 1]).fit(2));
    }
}

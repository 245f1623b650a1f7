//! Two texts to what differs between them, line by line, as `diff -u` shows it.
//!
//! Invariant: applied to the old text it gives the new one. Where the parts that differ are too long
//! to find the shortest way, the old part is shown as replaced by the new one.
//!
//! Knows nothing of files.

use std::fmt::Write as _;

/// Lines shown around a difference.
const CONTEXT: usize = 3;

/// The largest table of old and new lines that is filled to find the shortest difference.
const CELLS_MAX: usize = 16_000_000;

/// A line of both texts, of the old or of the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit<'t> {
    Keep(&'t str),
    Drop(&'t str),
    Put(&'t str),
}

/// The difference with a header; empty where there is none.
pub(crate) fn diff(name: &str, old: &str, new: &str) -> String {
    let edits = edits(old, new);
    let changed: Vec<usize> =
        (0..edits.len()).filter(|index| !matches!(edits[*index], Edit::Keep(_))).collect();
    let mut out = String::new();
    let mut rest = changed.as_slice();
    while let [first, ..] = rest {
        let close = rest.windows(2).take_while(|pair| pair[1] - pair[0] <= 2 * CONTEXT + 1).count();
        let (hunk, later) = rest.split_at(close + 1);
        rest = later;
        let start = first.saturating_sub(CONTEXT);
        let end = (hunk[close] + 1 + CONTEXT).min(edits.len());
        if out.is_empty() {
            let _ = write!(out, "--- {name}\n+++ {name}\n");
        }
        show(&mut out, &edits, start, end);
    }
    out
}

fn show(out: &mut String, edits: &[Edit<'_>], start: usize, end: usize) {
    let count = |edits: &[Edit<'_>]| {
        let old = edits.iter().filter(|edit| !matches!(edit, Edit::Put(_))).count();
        let new = edits.iter().filter(|edit| !matches!(edit, Edit::Drop(_))).count();
        (old, new)
    };
    let (before, within) = (count(&edits[..start]), count(&edits[start..end]));
    // A side without lines is numbered by the line before it.
    let first = |before: usize, count: usize| before + usize::from(count > 0);
    let (old, new) = (first(before.0, within.0), first(before.1, within.1));
    let _ = writeln!(out, "@@ -{old},{} +{new},{} @@", within.0, within.1);
    for edit in &edits[start..end] {
        let (mark, line) = match edit {
            Edit::Keep(line) => (' ', line),
            Edit::Drop(line) => ('-', line),
            Edit::Put(line) => ('+', line),
        };
        let _ = write!(out, "{mark}{line}");
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

fn edits<'t>(old: &'t str, new: &'t str) -> Vec<Edit<'t>> {
    let (old, new) = (lines(old), lines(new));
    let alike = |(old, new): &(&&str, &&str)| old == new;
    let head = old.iter().zip(&new).take_while(alike).count();
    let (old, new) = (old.as_slice(), new.as_slice());
    let tails = old[head..].iter().rev().zip(new[head..].iter().rev());
    let tail = tails.take_while(alike).count();
    let keep = |lines: &[&'t str]| lines.iter().map(|line| Edit::Keep(line)).collect::<Vec<_>>();
    let mut edits = keep(&old[..head]);
    middle(&old[head..old.len() - tail], &new[head..new.len() - tail], &mut edits);
    edits.extend(keep(&old[old.len() - tail..]));
    edits
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// By the longest common subsequence: what is kept from each pair of places on, from the end.
fn middle<'t>(old: &[&'t str], new: &[&'t str], edits: &mut Vec<Edit<'t>>) {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > CELLS_MAX {
        edits.extend(old.iter().map(|line| Edit::Drop(line)));
        edits.extend(new.iter().map(|line| Edit::Put(line)));
        return;
    }
    let mut kept = vec![0_u32; (old.len() + 1) * width];
    for x in (0..old.len()).rev() {
        for y in (0..new.len()).rev() {
            kept[x * width + y] = if old[x] == new[y] {
                kept[(x + 1) * width + y + 1] + 1
            } else {
                kept[(x + 1) * width + y].max(kept[x * width + y + 1])
            };
        }
    }
    let (mut x, mut y) = (0, 0);
    while x < old.len() || y < new.len() {
        if x < old.len() && y < new.len() && old[x] == new[y] {
            edits.push(Edit::Keep(old[x]));
            (x, y) = (x + 1, y + 1);
        } else if y == new.len()
            || x < old.len() && kept[(x + 1) * width + y] >= kept[x * width + y + 1]
        {
            edits.push(Edit::Drop(old[x]));
            x += 1;
        } else {
            edits.push(Edit::Put(new[y]));
            y += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::diff;

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(diff("f", "a\nb\n", "a\nb\n"), "");
        let old = "1\n2\n3\n4\nold\n5\n6\n7\n8\n9\n10\n11\n12\nend";
        let new = "1\n2\n3\n4\nnew\nmore\n5\n6\n7\n8\n9\n10\n11\n12\nend\n";
        let shown = "--- f\n+++ f\n\
            @@ -2,7 +2,8 @@\n 2\n 3\n 4\n-old\n+new\n+more\n 5\n 6\n 7\n\
            @@ -11,4 +12,4 @@\n 10\n 11\n 12\n-end\n\\ No newline at end of file\n+end\n";
        assert_eq!(diff("f", old, new), shown);
        assert_eq!(diff("f", "", "a\n"), "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+a\n");
    }

    #[test]
    fn a_long_difference_is_shown_as_replaced() {
        let (old, new) = ("a\n".repeat(5_000), "b\n".repeat(5_000));
        let shown = diff("f", &old, &new);
        assert_eq!(shown.matches("\n-a").count(), 5_000);
        assert_eq!(shown.matches("\n+b").count(), 5_000);
    }
}

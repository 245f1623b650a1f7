//! What a step evaluates, told while it does: for coverage, and for whoever asks why.
//!
//! Invariant: telling changes nothing. What is told is what was evaluated, no more: after the first
//! failure the clauses behind it are silent.

use crate::entry::Verdict;

/// Something that was evaluated. Declarations are named by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The guard of a rule; one without `when` always holds.
    Guard {
        /// The rule.
        rule: usize,
        /// Whether it is elected.
        holds: bool,
    },
    /// What became of a rule that was elected.
    Judged {
        /// The rule.
        rule: usize,
        /// What became of it.
        verdict: Verdict,
    },
    /// Whether a limit lets one more commit pass.
    Limit {
        /// The limit.
        limit: usize,
        /// Whether it does.
        holds: bool,
    },
    /// An `always`, of the state that a rule would leave.
    Always {
        /// The clause.
        clause: usize,
        /// Whether it holds.
        holds: bool,
    },
    /// A change of a field that has a flow; from and to may be the same.
    Flow {
        /// The flow.
        flow: usize,
        /// The variant before.
        from: u16,
        /// The variant that a rule would leave.
        to: u16,
    },
}

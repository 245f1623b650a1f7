//! Names of the language to the labels of WebAssembly interfaces: `max_level` to `max-level`,
//! `HeatPump` to `heat-pump`.
//!
//! Invariant: a label is words joined by `-`, each of a small letter and then small letters and
//! digits. Different names may give one label; the compiler refuses a program in which two of one
//! kind do. Knows no declaration.

/// The label of a name. A word that would begin with a digit belongs to the word before it, so
/// `room_1` and `room1` have the same.
pub fn label(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut label = String::new();
    for (at, letter) in letters.iter().enumerate() {
        if *letter == '_' {
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let is_first_capital = letter.is_ascii_uppercase()
            && (before.is_some_and(|before| !before.is_ascii_uppercase())
                || letters.get(at + 1).is_some_and(char::is_ascii_lowercase));
        let begins = letter.is_ascii_alphabetic() && (before == Some(&'_') || is_first_capital);
        if begins && !label.is_empty() {
            label.push('-');
        }
        label.push(letter.to_ascii_lowercase());
    }
    label
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn words_are_joined_by_hyphens() {
        let names = [
            ("setpoint", "setpoint"),
            ("max_level", "max-level"),
            ("room_1", "room1"),
            ("a__b_", "a-b"),
            ("HeatPump", "heat-pump"),
            ("HTTPServer", "http-server"),
            ("Stage2Done", "stage2-done"),
            ("V2", "v2"),
        ];
        for (name, wanted) in names {
            assert_eq!(label(name), wanted);
        }
    }
}

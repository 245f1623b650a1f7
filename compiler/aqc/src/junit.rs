//! Outcomes to JUnit XML, as CI systems read it: a suite for each file, a case for each test.
//!
//! Invariant: the text is well-formed XML 1.0 whatever titles and messages hold. It says no
//! durations, so the same outcomes give the same bytes.

use crate::test::Outcome;

/// The document.
pub(crate) fn junit(outcomes: &[Outcome]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!("<testsuites name=\"aqc test\"{}>\n", counts(outcomes)));
    for suite in outcomes.chunk_by(|a, b| a.file == b.file) {
        let file = escaped(&suite[0].file);
        out.push_str(&format!("  <testsuite name=\"{file}\"{}>\n", counts(suite)));
        suite.iter().for_each(|outcome| case(outcome, &mut out));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts(outcomes: &[Outcome]) -> String {
    let failures = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    format!(" tests=\"{}\" failures=\"{failures}\" errors=\"0\"", outcomes.len())
}

fn case(outcome: &Outcome, out: &mut String) {
    out.push_str(&format!(
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\"",
        escaped(&outcome.name),
        escaped(&outcome.object),
        escaped(&outcome.file),
        outcome.line
    ));
    let Some(failed) = &outcome.failure else {
        out.push_str("/>\n");
        return;
    };
    let mut text = format!("{}:{}: {}", outcome.file, failed.line, failed.what);
    if let Some((_, _, scenario)) = &failed.example {
        text.push_str(&format!("\n\n{scenario}"));
    }
    out.push_str(&format!(
        ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
        escaped(&failed.what),
        escaped(&text).replace("&#10;", "\n").replace("&#9;", "\t")
    ));
}

/// Text as it may stand in an attribute. What XML cannot say at all becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_breaks_out_of_an_attribute() {
        assert_eq!(escaped("a\"<b>&\u{1}\n]]>"), "a&quot;&lt;b&gt;&amp;\u{FFFD}&#10;]]&gt;");
    }
}

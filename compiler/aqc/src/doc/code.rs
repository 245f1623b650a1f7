//! Source text to the same text in HTML, its tokens marked as the language's own lexer cuts them.
//!
//! Invariant: without its tags, the HTML is the text. A soft word is marked where it cannot be a
//! name, judged by its neighbours alone: this is no parser.

use super::page::escaped;
use aqo_compiler::grammar::token::{Kind, Lexeme, lex};

/// A program, or a part of one.
pub(crate) fn highlighted(text: &str) -> String {
    let lexemes = lex(text).lexemes;
    let mut out = String::new();
    let mut before = None;
    for (number, lexeme) in lexemes.iter().enumerate() {
        let piece = escaped(lexeme.span.of(text));
        match class(lexeme.kind, before, &lexemes[number + 1..]) {
            Some(class) => out.push_str(&format!("<span class=\"{class}\">{piece}</span>")),
            None => out.push_str(&piece),
        }
        if !lexeme.kind.is_trivia() {
            before = Some(lexeme.kind);
        }
    }
    out
}

/// A program on lines of its own.
pub(crate) fn block(text: &str) -> String {
    format!("<pre><code>{}</code></pre>\n", highlighted(text))
}

/// A few words inside a line.
pub(crate) fn inline(text: &str) -> String {
    format!("<code>{}</code>", highlighted(text))
}

/// A name inside a line, whatever word it is.
pub(crate) fn name(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

fn class(kind: Kind, before: Option<Kind>, after: &[Lexeme]) -> Option<&'static str> {
    if kind.is_reserved() {
        return Some("k");
    }
    if kind.is_soft() {
        let next = after.iter().map(|lexeme| lexeme.kind).find(|kind| !kind.is_trivia());
        return (!is_name(before, next)).then_some("k");
    }
    if kind.is_bad() || kind.is_foreign() {
        return Some("x");
    }
    // Kinds are the tokens of the whole language; these are the few that are drawn.
    let drawn = [
        (Kind::Upper, "u"),
        (Kind::Int, "n"),
        (Kind::Decimal, "n"),
        (Kind::Duration, "n"),
        (Kind::Time, "n"),
        (Kind::Hex, "n"),
        (Kind::Text, "t"),
        (Kind::Comment, "c"),
        (Kind::Doc, "d"),
        (Kind::ModuleDoc, "d"),
    ];
    drawn.iter().find(|(of, _)| *of == kind).map(|(_, class)| *class)
}

/// Whether a soft word between these can only be a name.
fn is_name(before: Option<Kind>, after: Option<Kind>) -> bool {
    const BEFORE: [Kind; 16] = [
        Kind::Assign,
        Kind::OpenParen,
        Kind::Comma,
        Kind::Dot,
        Kind::Plus,
        Kind::Minus,
        Kind::Star,
        Kind::Slash,
        Kind::Percent,
        Kind::Eq,
        Kind::Ne,
        Kind::Lt,
        Kind::Le,
        Kind::Gt,
        Kind::Ge,
        Kind::Set,
    ];
    const AFTER: [Kind; 14] = [
        Kind::Colon,
        Kind::Comma,
        Kind::CloseParen,
        Kind::Assign,
        Kind::Dot,
        Kind::Plus,
        Kind::Minus,
        Kind::Star,
        Kind::Slash,
        Kind::Eq,
        Kind::Lt,
        Kind::Le,
        Kind::Gt,
        Kind::Ge,
    ];
    let calls = after == Some(Kind::OpenParen);
    !calls && before.is_some_and(|kind| BEFORE.contains(&kind))
        || after.is_some_and(|kind| AFTER.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::highlighted;

    #[test]
    fn words_are_marked_where_they_are_no_names() {
        let html = highlighted("message adjust(to: int) from operator // <now>\n");
        assert!(
            html.starts_with("<span class=\"k\">message</span> adjust(to: int) <span"),
            "{html}"
        );
        assert!(html.contains("<span class=\"k\">from</span> operator"), "{html}");
        assert!(html.contains("<span class=\"c\">// &lt;now&gt;</span>"), "{html}");
        assert!(highlighted("set setpoint = to }").contains("= to }"));
        assert!(highlighted("any(x in xs: x)").contains("<span class=\"k\">any</span>("));
    }

    #[test]
    fn without_its_tags_it_is_the_text() {
        let text = "rule a on tick when b < 3 && \"c\" 10m ; \u{202e} é @2027 {";
        let html = highlighted(text);
        let mut plain = String::new();
        let mut is_tag = false;
        for character in html.chars() {
            match character {
                '<' => is_tag = true,
                '>' => is_tag = false,
                _ if is_tag => {}
                character => plain.push(character),
            }
        }
        let plain = plain.replace("&lt;", "<").replace("&quot;", "\"").replace("&amp;", "&");
        assert_eq!(plain, text);
    }
}

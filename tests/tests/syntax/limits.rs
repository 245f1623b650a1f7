//! Texts that are too large, too deep or too wrong, and the size of the parser itself.

use aqo_grammar::limits::{DEPTH_MAX, ERRORS_MAX, TEXT_BYTES_MAX};
use aqo_grammar::tree::MemberKind;
use aqo_grammar::{PARSER_SIZE, ParserSize, SyntaxErrorKind, parse};

use crate::helpers::{check_all, listed, members};

#[test]
fn ten_thousand_errors_are_counted() {
    let broken = "rule x onn tick { set } rule y on tick {}\n".repeat(10_000);
    let parse = parse(&format!("module a object O version 1 {{ {broken} }}"));
    assert_eq!(parse.errors.len(), ERRORS_MAX + 1);
    assert_eq!(parse.errors[ERRORS_MAX].kind, SyntaxErrorKind::TooManyErrors);
    assert_eq!(parse.errors[ERRORS_MAX].message, "9800 more errors from here on");
    let kept = members(&parse.file).into_iter().filter(|(node, _)| *node != MemberKind::Damaged);
    assert_eq!(kept.count(), 10_000);
}

#[test]
fn depth_is_limited() {
    let within = |before: &str, inside: &str, after: &str, n: usize| {
        format!(
            "module a fn f() -> int {{ {}{inside}{} }} fn g() -> int {{ 0 }}",
            before.repeat(n),
            after.repeat(n)
        )
    };
    let chains = [
        " + a",
        " - 1",
        " * 2",
        " and a",
        " or a",
        " implies a",
        " else a",
        ".a",
        ".A",
        "[0]",
        " with (a: 1)",
        " is A == a",
    ];
    let nests = [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("- (", ")"),
        ("not (", ")"),
        ("if a { 1 } else ", ""),
        ("if a { ", "} else { 1 }"),
        ("match a { else => ", "}"),
        ("any(x in ", ": x)"),
        ("fold(a: int = 0, x in ", ": a)"),
        ("a else ", ""),
        ("a implies ", ""),
        ("A(a: ", ")"),
        ("[a: ", "]"),
        ("[x for x in ", "]"),
    ];
    let mut texts: Vec<String> =
        chains.iter().map(|chain| within("", "a", chain, 10_000)).collect();
    texts.extend(nests.iter().map(|(before, after)| within(before, "a", after, 10_000)));
    let object =
        |act: String| format!("module a object O version 1 {{ rule r on tick {{ {act} }} }}");
    texts.push(object(format!("{}{}", "if a { ".repeat(10_000), "}".repeat(10_000))));
    texts.push(object(format!("{} {{}}", "if a {} else ".repeat(10_000))));
    texts.push(object(format!("{}{}", "match a { A => { ".repeat(10_000), "}}".repeat(10_000))));
    texts.push(format!("module a type T = {}int{}", "list<".repeat(10_000), ", 1>".repeat(10_000)));
    texts.push(format!(
        "module a type T = {}int{}",
        "map<int, ".repeat(10_000),
        ", 1>".repeat(10_000)
    ));
    texts.push(format!(
        "module a scenario \"s\" for O {{ {}{} }}",
        "repeat 2 { ".repeat(10_000),
        "}".repeat(10_000)
    ));
    let worker = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
        for text in texts {
            let parse = check_all(&text);
            let kinds: Vec<SyntaxErrorKind> = parse.errors.iter().map(|error| error.kind).collect();
            assert!(kinds.contains(&SyntaxErrorKind::TooDeep), "{}", &text[..120]);
            assert!(kinds.len() <= 2, "{kinds:?}: {}", &text[..120]);
            assert_eq!(parse.clone(), parse);
        }
    });
    worker.unwrap().join().unwrap();
}

#[test]
fn depth_does_not_add_up_over_siblings() {
    let n = 3 * DEPTH_MAX as usize;
    let texts = [
        format!("if a {{}} else {{}} {}", "if a {} else if b {} ".repeat(n)),
        format!("set a = [{}]", "a + b * -c, ".repeat(n)),
        format!("set a = f({})", "a: x < y, b: x > y, ".repeat(DEPTH_MAX as usize / 2)),
        format!("match a {{ {} }}", "A | B => {} ".repeat(n)),
        "let a: map<int, set<int, 3>, 3> = a.b[0] + 1 else refuse r ".repeat(n),
    ];
    for text in texts {
        let text = format!("module a object O version 1 {{ rule r on tick {{ {text} }} }}");
        assert_eq!(listed(&parse(&text).errors, &text), "");
    }
}

#[test]
fn a_text_beyond_its_limit_is_not_read() {
    let parse = parse(&" ".repeat(TEXT_BYTES_MAX + 1));
    assert_eq!(parse.errors.len(), 1);
    assert_eq!(parse.errors[0].kind, SyntaxErrorKind::TextTooLong);
    assert!(parse.file.items.is_empty());
}

#[test]
fn the_parser_stays_small() {
    let ParserSize { states, bytes } = PARSER_SIZE;
    assert!(states < 1_000, "{states} states");
    assert!(bytes < 2_500_000, "{bytes} bytes of source");
    assert!(states > 100, "the build script no longer finds the states");
}

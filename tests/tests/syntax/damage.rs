//! Damaged texts: nothing panics, and little around the damage is lost.

use aqo_grammar::parse;
use aqo_grammar::token::{Kind, MARKS, RESERVED, SOFT, lex};
use aqo_grammar::tree::MemberKind;

use crate::drawing::drawn;
use crate::helpers::{
    EXAMPLES, Random, assert_names_stand_where_they_say, check, example, members, parts, sources,
};

#[test]
fn every_prefix_parses() {
    for name in EXAMPLES {
        let text = example(name);
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            check(&text[..end]);
        }
    }
}

#[test]
fn one_lost_token_loses_one_part() {
    for name in EXAMPLES {
        let text = example(name);
        let whole = parts(&parse(&text).file);
        let mut losses = Vec::new();
        for lexeme in lex(&text).lexemes.iter().filter(|lexeme| !lexeme.kind.is_trivia()) {
            let (before, after) =
                (&text[..lexeme.span.start as usize], &text[lexeme.span.end as usize..]);
            let left = parts(&check(&format!("{before}{after}")));
            losses.push(whole.iter().filter(|part| !left.contains(part)).count());
        }
        let mean = losses.iter().sum::<usize>() as f64 / losses.len() as f64;
        assert!(mean <= 1.1, "{name}: {mean} parts are lost in the mean");
        let most = losses.iter().max().unwrap();
        assert!(*most <= 6, "{name}: {most} of {} parts are lost at worst", whole.len());
    }
}

#[test]
fn damage_in_a_member_leaves_the_others_equal() {
    for name in EXAMPLES {
        let text = example(name);
        let intact = members(&parse(&text).file);
        for damage in ["? ", "field field ", ") ", "} ", "{ ", "\""] {
            for (index, (_, span)) in intact.iter().enumerate() {
                let middle = lex(&text)
                    .lexemes
                    .iter()
                    .find(|lexeme| lexeme.span.start > span.start)
                    .unwrap()
                    .span
                    .end;
                let (before, after) = text.split_at(middle as usize);
                let damaged = format!("{before} {damage}{after}");
                let file = check(&damaged);
                assert_names_stand_where_they_say(&file, &damaged);
                let left: Vec<MemberKind> =
                    members(&file).into_iter().map(|(node, _)| node).collect();
                let others = intact.iter().enumerate().filter(|(other, _)| *other != index);
                let lost = others.filter(|(_, (node, _))| !left.contains(node)).count();
                assert_eq!(lost, 0, "{name}: {damage:?} in member {index}");
            }
        }
    }
}

#[test]
fn token_soups_parse() {
    let mut random = Random(11);
    let literals = [
        "a",
        "b_c",
        "Foo",
        "1",
        "1.5",
        "2h",
        "@2027-01-31",
        "0xab",
        "\"t\"",
        "/// d\n",
        "10m",
        "\"",
        "é",
        "@",
        ";",
    ];
    let words: Vec<&str> =
        RESERVED.iter().chain(SOFT).chain(MARKS).chain(&literals).copied().collect();
    for _ in 0..2_000 {
        let soup: Vec<&str> =
            (0..random.below(40)).map(|_| words[random.below(words.len())]).collect();
        check(&soup.join(" "));
    }
    let text = example("rollout");
    let starts: Vec<usize> =
        lex(&text).lexemes.iter().map(|lexeme| lexeme.span.start as usize).collect();
    for _ in 0..300 {
        let mut cut = || starts[random.below(starts.len())];
        let (from, to, other) = (cut(), cut(), cut());
        check(&format!("{}{}{}", &text[..from], &text[other..], &text[to..]));
    }
}

#[test]
fn white_space_and_comments_mean_nothing() {
    for (path, text) in sources("ok") {
        let mut spaced = String::new();
        for lexeme in lex(&text).lexemes {
            if !matches!(lexeme.kind, Kind::White | Kind::Comment) {
                spaced.push_str(lexeme.span.of(&text));
                spaced.push_str("\r\n\t // noise\n");
            }
        }
        let (tight, loose) = (parse(&text).file, parse(&spaced).file);
        assert_eq!(drawn(&tight), drawn(&loose), "{}", path.display());
        assert_eq!(parts(&tight), parts(&loose), "{}", path.display());
        assert_names_stand_where_they_say(&loose, &spaced);
    }
}

//! What the tests of this suite share: fixtures, what must hold of every text, units of loss, and
//! numbers that are the same on every run.

use std::path::{Path, PathBuf};

use aqo_grammar::tree::{File, ItemKind, Literal, MemberKind, Name, Path as ModulePath, Span};
use aqo_grammar::{Parse, Severity, SyntaxError, parse};

pub(crate) const EXAMPLES: [&str; 3] = ["thermostat", "spending_guard", "rollout"];

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/syntax").join(name)
}

/// The sources of a folder by name, with their paths.
pub(crate) fn sources(name: &str) -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(folder(name)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "aqo"));
    paths.sort();
    assert!(!paths.is_empty(), "no fixtures in {name}");
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// Every text of the project that can be formatted: sources of `examples` and `tests/fixtures`, and
/// the code blocks of the chapters; with its path and, in a chapter, its line.
pub(crate) fn corpus() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut texts = Vec::new();
    let mut open =
        ["examples", "tests/fixtures", "tests/spec"].map(|name| root.join(name)).to_vec();
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let extension = path.extension().map(|extension| extension.to_string_lossy());
            match extension.as_deref() {
                _ if path.is_dir() => open.push(path),
                Some("aqo") => texts.push((name, std::fs::read_to_string(&path).unwrap())),
                Some("md") if name.starts_with("tests/spec/") => {
                    texts.extend(blocks(&name, &std::fs::read_to_string(&path).unwrap()));
                }
                _ => {}
            }
        }
    }
    let sound = |text: &str| {
        parse(text).errors.iter().all(|error| error.kind.severity() == Severity::Warning)
    };
    texts.retain(|(_, text)| sound(text));
    texts.sort();
    for start in ["examples/", "tests/fixtures/design/", "tests/spec/"] {
        assert!(texts.iter().any(|(name, _)| name.starts_with(start)), "nothing in {start}");
    }
    texts
}

fn blocks(chapter: &str, text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line == "```aqo" || line.starts_with("```aqo ") {
            let inner = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let block = inner.map(|line| format!("{line}\n")).collect();
            blocks.push((format!("{chapter}:{}", number + 1), block));
        }
    }
    blocks
}

pub(crate) fn example(name: &str) -> String {
    std::fs::read_to_string(folder("ok").join(name).with_extension("aqo")).unwrap()
}

pub(crate) fn expect_file(path: &Path, actual: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(expected, actual, "{} differs; BLESS=1 rewrites it", path.display());
}

/// Parses anything and holds the result to what is promised of every text.
pub(crate) fn check(text: &str) -> File {
    check_all(text).file
}

pub(crate) fn check_all(text: &str) -> Parse {
    let parse = parse(text);
    let stands = |span: Span| {
        span.start <= span.end && text.get(span.start as usize..span.end as usize).is_some()
    };
    for error in &parse.errors {
        assert!(stands(error.span), "{error:?}");
        assert!(error.fix.as_ref().is_none_or(|fix| stands(fix.span)), "{error:?}");
        assert!(error.message.len() < 300, "{error:?}");
    }
    assert!(parse.errors.windows(2).all(|pair| pair[0].span <= pair[1].span));
    assert!(
        parse
            .file
            .items
            .iter()
            .all(|item| stands(item.span) && item.spans.iter().all(|span| stands(*span)))
    );
    parse
}

/// What a file is made of, without positions: the units in which loss is counted.
#[derive(Debug, PartialEq)]
pub(crate) enum Unit {
    Module(ModulePath),
    Item(Box<ItemKind>),
    Header(Name, Option<Name>, Literal),
    Member(Box<MemberKind>),
}

pub(crate) fn parts(file: &File) -> Vec<Unit> {
    let modules = file.module.iter().map(|module| Unit::Module(module.node.clone()));
    let mut units: Vec<Unit> = modules.collect();
    for item in &file.items {
        let ItemKind::Object(object) = &item.node else {
            units.push(Unit::Item(Box::new(item.node.clone())));
            continue;
        };
        let (name, was) = (object.name.clone(), object.was.clone());
        units.push(Unit::Header(name, was, object.version.clone()));
        units.extend(
            object.members.iter().map(|member| Unit::Member(Box::new(member.node.clone()))),
        );
    }
    units
}

pub(crate) fn members(file: &File) -> Vec<(MemberKind, Span)> {
    let mut members = Vec::new();
    for item in &file.items {
        if let ItemKind::Object(object) = &item.node {
            members.extend(object.members.iter().map(|member| (member.node.clone(), member.span)));
        }
    }
    members
}

/// A small generator of numbers, the same on every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit
    }

    /// Mostly characters of the language.
    pub(crate) fn byte(&mut self) -> u8 {
        let marks = b"{}()[]<>=!&|;:.,?+-*/%@\"\\_ \n\r\t09azAZ";
        if self.below(4) == 0 { self.next() as u8 } else { marks[self.below(marks.len())] }
    }
}

/// One line an error, its help and fix below it.
pub(crate) fn listed(errors: &[SyntaxError], text: &str) -> String {
    let place = |at: u32| {
        let before = &text[..at as usize];
        let line = before.matches('\n').count() + 1;
        format!("{line}:{}", at as usize - before.rfind('\n').map_or(0, |end| end + 1) + 1)
    };
    let mut list = String::new();
    for error in errors {
        let guilty = error.span.of(text).escape_debug();
        list.push_str(&format!(
            "{} {} `{guilty}` {}\n",
            place(error.span.start),
            error.code(),
            error.message
        ));
        if let Some((span, label)) = &error.related {
            list.push_str(&format!("    see {}: {label}\n", place(span.start)));
        }
        if let Some(help) = &error.help {
            list.push_str(&format!("    help: {help}\n"));
        }
        if let Some(fix) = &error.fix {
            list.push_str(&format!("    fix: `{}` -> `{}`\n", fix.span.of(text), fix.text));
        }
    }
    list
}

/// Each name's position holds its text.
pub(crate) fn assert_names_stand_where_they_say(file: &File, text: &str) {
    let check = |debug: String, spans: &[Span]| {
        for (at, _) in debug.match_indices("Name { text: ") {
            let mut pieces = debug[at..].splitn(3, '"').skip(1);
            let (name, rest) = (pieces.next().unwrap(), pieces.next().unwrap());
            let number = rest.trim_start_matches(", at: At(").split(')').next().unwrap();
            let span = spans[number.parse::<usize>().unwrap()];
            assert_eq!(span.of(text), name);
        }
    };
    file.module.iter().for_each(|module| check(format!("{:?}", module.node), &module.spans));
    for item in &file.items {
        if let ItemKind::Object(object) = &item.node {
            check(format!("{:?} {:?}", object.name, object.was), &item.spans);
            object
                .members
                .iter()
                .for_each(|member| check(format!("{:?}", member.node), &member.spans));
        } else {
            check(format!("{:?}", item.node), &item.spans);
        }
    }
}

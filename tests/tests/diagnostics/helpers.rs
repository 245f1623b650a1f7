//! What the tests of this suite share: a database of one text, fixtures, and numbers that are the
//! same on every run.

use std::path::{Path, PathBuf};

use aqo_compiler::{Database, Diagnostic, SourceFile, db};

/// The path that stands in messages.
pub(crate) const PATH: &str = "demo.aqo";

/// What is wrong with a text, by a database that has seen no other.
pub(crate) fn fresh(text: &str) -> Vec<Diagnostic> {
    let db = Database::default();
    let file = SourceFile::new(&db, PATH.to_owned(), text.to_owned());
    db::diagnostics(&db, file)
}

/// Diagnoses anything and holds the result to what is promised of every text.
pub(crate) fn check(text: &str) -> Vec<Diagnostic> {
    let db = Database::default();
    let file = SourceFile::new(&db, PATH.to_owned(), text.to_owned());
    let diagnostics = db::diagnostics(&db, file);
    let stands = |span: aqo_grammar::tree::Span| {
        span.start <= span.end && text.get(span.start as usize..span.end as usize).is_some()
    };
    for d in &diagnostics {
        assert!(stands(d.span), "{d:?}");
        assert!(d.related.iter().all(|(span, _)| stands(*span)), "{d:?}");
        assert!(d.fix.as_ref().is_none_or(|(span, _)| stands(*span)), "{d:?}");
        assert!(!d.message.is_empty() && d.message.len() < 400, "{d:?}");
    }
    assert!(diagnostics.windows(2).all(|pair| pair[0].span <= pair[1].span));
    let is_wrong = diagnostics.iter().any(|d| !d.code.is_warning());
    for (object, name) in db::objects(&db, file) {
        let model = db::object_of(&db, file, object).model.is_some();
        assert!(model || is_wrong, "`{name}` has no Model, and nothing says why:\n{text}");
    }
    diagnostics
}

/// The ids of diagnostics, each once, in order.
pub(crate) fn ids(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    let mut ids: Vec<&str> = diagnostics.iter().map(|d| d.code.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The sources of this suite by name, with their paths.
pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/diagnostics");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "aqo"));
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// The thermostat, which is free of errors and warnings.
pub(crate) fn thermostat() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/syntax/ok/thermostat.aqo");
    std::fs::read_to_string(path).unwrap()
}

pub(crate) fn expect_file(path: &Path, actual: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(expected, actual, "{} differs; BLESS=1 rewrites it", path.display());
}

/// A small generator of numbers, the same on every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

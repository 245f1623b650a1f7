//! What every page must be: its tags close, each `id` stands once, each link leads to one, and
//! nothing is fetched.

use std::collections::BTreeSet;

/// Elements without an end.
const VOID: [&str; 6] = ["br", "hr", "input", "link", "meta", "img"];

/// Holds a page to what is promised of every one.
pub(crate) fn hold(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>\n"));
    let mut open: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut links = Vec::new();
    for (tag, _) in tags(page) {
        let name = tag.split_whitespace().next().unwrap().trim_start_matches('/');
        if tag.starts_with('!') || VOID.contains(&name) {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "`<{tag}>` closes another");
            continue;
        }
        open.push(name);
        if let Some(id) = attribute(tag, "id") {
            assert!(!id.is_empty() && ids.insert(id), "`{id}` stands twice");
        }
        assert_eq!(attribute(tag, "src"), None, "<{tag}>");
        assert!(name != "a" || attribute(tag, "href").is_some(), "<{tag}>");
        links.extend(attribute(tag, "href"));
    }
    assert_eq!(open, [""; 0], "left open");
    for link in links {
        let id = link.strip_prefix('#').unwrap_or_else(|| panic!("{link} leads outside"));
        assert!(ids.contains(id), "{link} leads nowhere");
    }
    for fetched in ["@import", "url(", "<link", "<img", "<iframe", "fetch(", "://"] {
        assert!(!page.contains(fetched), "the page has `{fetched}`");
    }
}

/// What stands in `<pre><code>`, as text.
pub(crate) fn programs(page: &str) -> Vec<String> {
    let blocks = page.split("<pre><code>").skip(1);
    blocks.map(|block| text(block.split("</code></pre>").next().unwrap())).collect()
}

/// HTML without its tags.
pub(crate) fn text(html: &str) -> String {
    let mut out = html.split('<').next().unwrap().to_owned();
    for piece in html.split('<').skip(1) {
        out.push_str(piece.split_once('>').unwrap().1);
    }
    let plain = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    plain.replace("&#39;", "'").replace("&amp;", "&")
}

/// The tags of a page, but for what stands in styles and scripts, each with the text after it.
fn tags(page: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut raw = None;
    for piece in page.split('<').skip(1) {
        let Some((tag, after)) = piece.split_once('>') else { continue };
        let end = raw.is_some_and(|name: &str| tag.strip_prefix('/') == Some(name));
        if raw.is_some() && !end {
            continue;
        }
        raw = ["style", "script"].into_iter().find(|name| tag == *name);
        found.push((tag, after));
    }
    found
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split('"').next().unwrap())
}

#[test]
#[should_panic(expected = "stands twice")]
fn an_id_that_stands_twice_is_found() {
    hold("<!DOCTYPE html>\n<p id=\"a\"></p><p id=\"a\"></p>");
}

#[test]
#[should_panic(expected = "leads nowhere")]
fn a_link_to_nothing_is_found() {
    hold("<!DOCTYPE html>\n<p><a href=\"#a\">a</a></p>");
}

#[test]
#[should_panic(expected = "closes another")]
fn a_tag_that_closes_another_is_found() {
    hold("<!DOCTYPE html>\n<p><b></p></b>");
}

//! Markdown to HTML.
//!
//! Invariant: raw HTML of the source is shown, not passed on; no tag leads outside; each heading that
//! gets an anchor gets one of its own. What links lead to and how programs are drawn is the caller's
//! to say.

use super::page::{Entry, escaped};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;

/// What the caller says of a text.
pub(crate) struct Manner<'m> {
    /// How much deeper headings stand.
    pub shift: usize,
    /// What anchors begin with; `None`: headings get none.
    pub anchor: Option<&'m str>,
    /// The `id` that a link leads to; without one its words stand alone.
    pub link: &'m dyn Fn(&str) -> Option<String>,
    /// A fenced block: what stands after the fence, and its text.
    pub fence: &'m dyn Fn(&str, &str) -> String,
    /// A piece of code inside a line.
    pub code: &'m dyn Fn(&str) -> String,
}

/// The HTML of a text, and its headings. `ids` are those of the page.
pub(crate) fn html(
    text: &str,
    manner: &Manner<'_>,
    ids: &mut BTreeSet<String>,
) -> (String, Vec<Entry>) {
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES);
    let mut writer = Writer {
        manner,
        ids,
        out: String::new(),
        headings: Vec::new(),
        plain: None,
        fenced: None,
        links: Vec::new(),
        in_head: false,
    };
    parser.for_each(|event| writer.event(event));
    (writer.out, writer.headings)
}

/// A doc comment: Markdown without anchors, links and headings of its own.
pub(crate) fn comment(text: &str) -> String {
    let manner = Manner {
        shift: 5,
        anchor: None,
        link: &|_| None,
        fence: &|_, code| format!("<pre><code>{}</code></pre>\n", escaped(code)),
        code: &|code| format!("<code>{}</code>", escaped(code)),
    };
    html(text, &manner, &mut BTreeSet::new()).0
}

/// What an anchor may be called that does not stand yet: `a-first-object`.
pub(crate) fn anchor(prefix: &str, text: &str, ids: &mut BTreeSet<String>) -> String {
    let mut slug = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        match character {
            'a'..='z' | '0'..='9' | '_' => slug.push(character),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    let slug = slug.trim_end_matches('-');
    let base = match (prefix, slug) {
        ("", slug) => slug.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, slug) => format!("{prefix}.{slug}"),
    };
    let mut id = base.clone();
    let mut number = 2;
    while !ids.insert(id.clone()) {
        id = format!("{base}-{number}");
        number += 1;
    }
    id
}

struct Writer<'w> {
    manner: &'w Manner<'w>,
    ids: &'w mut BTreeSet<String>,
    out: String,
    headings: Vec<Entry>,
    /// The words of the heading that is open, and where its HTML begins.
    plain: Option<(String, usize)>,
    /// The block of code that is open.
    fenced: Option<(String, String)>,
    /// What each open link ends with.
    links: Vec<String>,
    in_head: bool,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(code) => {
                self.remember(&code);
                let code = (self.manner.code)(&code);
                self.out.push_str(&code);
            }
            Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text),
            Event::FootnoteReference(name) => self.text(&name),
            Event::SoftBreak => self.text("\n"),
            Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            Event::TaskListMarker(is_done) => self.text(if is_done { "[x] " } else { "[ ] " }),
        }
    }

    fn remember(&mut self, text: &str) {
        if let Some((plain, _)) = &mut self.plain {
            plain.push_str(text);
        }
    }

    fn text(&mut self, text: &str) {
        match &mut self.fenced {
            Some((_, code)) => code.push_str(text),
            None => {
                self.remember(text);
                self.out.push_str(&escaped(text));
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.out.push_str("<p>"),
            Tag::Heading { .. } => self.plain = Some((String::new(), self.out.len())),
            Tag::BlockQuote(_) => self.out.push_str("<blockquote>\n"),
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => {
                self.fenced = Some((info.into_string(), String::new()));
            }
            Tag::CodeBlock(CodeBlockKind::Indented) => {
                self.fenced = Some((String::new(), String::new()));
            }
            Tag::List(None) => self.out.push_str("<ul>\n"),
            Tag::List(Some(first)) => self.out.push_str(&format!("<ol start=\"{first}\">\n")),
            Tag::Item => self.out.push_str("<li>"),
            Tag::Table(_) => self.out.push_str("<table>\n"),
            Tag::TableHead => {
                self.in_head = true;
                self.out.push_str("<thead><tr>");
            }
            Tag::TableRow => self.out.push_str("<tr>"),
            Tag::TableCell => self.out.push_str(if self.in_head { "<th>" } else { "<td>" }),
            Tag::Emphasis => self.out.push_str("<em>"),
            Tag::Strong => self.out.push_str("<strong>"),
            Tag::Link { dest_url, .. } => self.open_link(&dest_url),
            Tag::Image { .. }
            | Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.out.push_str("</p>\n"),
            TagEnd::Heading(level) => self.heading(level),
            TagEnd::BlockQuote(_) => self.out.push_str("</blockquote>\n"),
            TagEnd::CodeBlock => {
                if let Some((info, code)) = self.fenced.take() {
                    let drawn = (self.manner.fence)(&info, &code);
                    self.out.push_str(&drawn);
                }
            }
            TagEnd::List(is_ordered) => {
                self.out.push_str(if is_ordered { "</ol>\n" } else { "</ul>\n" });
            }
            TagEnd::Item => self.out.push_str("</li>\n"),
            TagEnd::Table => self.out.push_str("</tbody></table>\n"),
            TagEnd::TableHead => {
                self.in_head = false;
                self.out.push_str("</tr></thead><tbody>\n");
            }
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => self.out.push_str(if self.in_head { "</th>" } else { "</td>" }),
            TagEnd::Emphasis => self.out.push_str("</em>"),
            TagEnd::Strong => self.out.push_str("</strong>"),
            TagEnd::Link => {
                let end = self.links.pop().unwrap_or_default();
                self.out.push_str(&end);
            }
            TagEnd::Image
            | TagEnd::HtmlBlock
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    /// A link into the page is one; another shows where it would lead.
    fn open_link(&mut self, to: &str) {
        let end = match (self.manner.link)(to) {
            Some(id) => {
                self.out.push_str(&format!("<a href=\"#{}\">", escaped(&id)));
                "</a>".to_owned()
            }
            None if to.contains("://") => format!(" ({})", escaped(to)),
            None => String::new(),
        };
        self.links.push(end);
    }

    fn heading(&mut self, level: HeadingLevel) {
        let Some((plain, from)) = self.plain.take() else { return };
        let words = self.out.split_off(from);
        let level = (level as usize + self.manner.shift).min(6);
        let Some(prefix) = self.manner.anchor else {
            self.out.push_str(&format!("<p><strong>{words}</strong></p>\n"));
            return;
        };
        let is_title = self.headings.is_empty();
        let id = anchor(prefix, if is_title { "" } else { &plain }, self.ids);
        self.out.push_str(&format!("<h{level} id=\"{}\">{words}</h{level}>\n", escaped(&id)));
        self.headings.push(Entry { id, text: plain, depth: level });
    }
}

#[cfg(test)]
mod tests {
    use super::{anchor, comment};
    use std::collections::BTreeSet;

    #[test]
    fn a_comment_says_what_it_says_and_does_nothing() {
        let html = comment(
            "# Big\n\nAn <script>x</script> `a<b` [t](https://e.org) ![p](q.png)\n\n| a |\n|-|\n| b |",
        );
        assert!(html.contains("<strong>Big</strong>"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
        assert!(html.contains("<code>a&lt;b</code> t (https://e.org) p"), "{html}");
        assert!(html.contains("<th>a</th>") && html.contains("<td>b</td>"), "{html}");
        assert!(!html.contains("href") && !html.contains("src"), "{html}");
    }

    #[test]
    fn anchors_are_different() {
        let mut ids = BTreeSet::new();
        assert_eq!(anchor("time", "`from anyone`", &mut ids), "time.from-anyone");
        assert_eq!(anchor("time", "From anyone!", &mut ids), "time.from-anyone-2");
        assert_eq!(anchor("time", "…", &mut ids), "time");
    }
}

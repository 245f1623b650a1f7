//! Titles, a table of contents and a body to one HTML page that needs nothing else.
//!
//! Invariant: everything that is not markup is escaped; the page fetches nothing, which its own
//! policy says too, and reads the same without its script. The same parts give the same bytes.
//! Knows nothing of what the parts say.

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A line of the table of contents.
pub(crate) struct Entry {
    /// The `id` of what it leads to.
    pub id: String,
    /// What it is called.
    pub text: String,
    /// 0 for the outermost.
    pub depth: usize,
}

/// A whole page; `body` is HTML, titles are not.
pub(crate) fn page(title: &str, contents: &[Entry], body: &str) -> String {
    let mut nav = String::new();
    let mut depth = 0;
    for (number, entry) in contents.iter().enumerate() {
        // One deeper at most, so that each list opens inside an item.
        let wanted = entry.depth.min(if number == 0 { 0 } else { depth + 1 });
        match (number, wanted) {
            (0, _) => nav.push_str("<ul>\n"),
            (_, wanted) if wanted > depth => nav.push_str("\n<ul>\n"),
            (_, wanted) => {
                nav.push_str("</li>\n");
                nav.push_str(&"</ul></li>\n".repeat(depth - wanted));
            }
        }
        depth = wanted;
        let (id, text) = (escaped(&entry.id), escaped(&entry.text));
        nav.push_str(&format!("<li><a href=\"#{id}\">{text}</a>"));
    }
    if !contents.is_empty() {
        nav.push_str("</li>\n");
        nav.push_str(&"</ul></li>\n".repeat(depth));
        nav.push_str("</ul>\n");
    }
    let title = escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <nav aria-label=\"Contents\">\n<input type=\"search\" id=\"-search\" hidden \
         placeholder=\"Search\" aria-label=\"Search\">\n{nav}</nav>\n<main>\n\
         <h1>{title}</h1>\n{body}</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// Text as it may stand between tags and in an attribute. What HTML cannot say becomes U+FFFD.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            '\r' => {}
            control if control.is_control() => out.push('\u{FFFD}'),
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Entry, escaped, page};

    #[test]
    fn nothing_breaks_out() {
        assert_eq!(
            escaped("<a href='\"'>&\u{1}\r\n"),
            "&lt;a href=&#39;&quot;&#39;&gt;&amp;\u{FFFD}\n"
        );
    }

    #[test]
    fn lists_of_the_contents_close() {
        let entry = |depth| Entry { id: format!("a{depth}"), text: "<".to_owned(), depth };
        for depths in [&[][..], &[0], &[0, 1, 1, 0], &[0, 1, 2], &[2, 0, 5, 0]] {
            let entries: Vec<Entry> = depths.iter().copied().map(entry).collect();
            let page = page("t", &entries, "");
            assert_eq!(page.matches("<ul>").count(), page.matches("</ul>").count(), "{depths:?}");
            assert_eq!(page.matches("<li>").count(), page.matches("</li>").count(), "{depths:?}");
            assert_eq!(page.matches("<li>").count(), depths.len());
        }
    }
}

//! The pages and what they are made of: the files of `web/`, which are part of the program.
//!
//! No page loads or asks anything elsewhere, and none runs a script that stands in its text: the policy says so to the
//! browser.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use rust_embed::EmbeddedFile;
use rust_embed::RustEmbed;

use crate::api::problem::Problem;

/// A debug build reads the folder anew at each request.
#[derive(RustEmbed)]
#[folder = "web/"]
struct Files;

const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(self)"),
    ),
    // Kept, and asked for again each time: a new version shows at once.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
];

/// `GET /`
pub(super) async fn start(headers: HeaderMap) -> Result<Response, Problem> {
    page("index.html", &headers)
}

/// `GET /desk`
pub(super) async fn desk(headers: HeaderMap) -> Result<Response, Problem> {
    page("desk.html", &headers)
}

/// `GET /wallboard`
pub(super) async fn wallboard(headers: HeaderMap) -> Result<Response, Problem> {
    page("wallboard.html", &headers)
}

/// `GET /history`
pub(super) async fn history(headers: HeaderMap) -> Result<Response, Problem> {
    page("history.html", &headers)
}

/// `GET /flows`
pub(super) async fn flows(headers: HeaderMap) -> Result<Response, Problem> {
    page("flows.html", &headers)
}

/// `GET /call`
pub(super) async fn call(headers: HeaderMap) -> Result<Response, Problem> {
    page("call.html", &headers)
}

/// For people at an address where there is nothing.
pub(super) fn lost() -> Result<Response, Problem> {
    Ok((StatusCode::NOT_FOUND, page("lost.html", &HeaderMap::new())?).into_response())
}

/// `GET /web/{file}`
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    page(&name, &headers)
}

fn page(name: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    let file = Files::get(name)
        .ok_or_else(|| Problem::not_found(format!("there is no file {name:?}"), "begin at /"))?;
    let tag = tag(&file);
    if asked.get(header::IF_NONE_MATCH).is_some_and(|known| *known == *tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let of_file = [(header::CONTENT_TYPE, kind.to_owned()), (header::ETAG, tag)];
    Ok((HEADERS, of_file, file.data).into_response())
}

fn tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let digits: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> String {
        String::from_utf8(Files::get(name).unwrap().data.into_owned()).unwrap()
    }

    /// What stands between `before` and the next quote, wherever it does.
    fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn what_a_page_names_is_there_and_nothing_stands_in_its_text_that_the_policy_forbids() {
        let mut pages = 0;
        for name in Files::iter().filter(|name| name.ends_with(".html")) {
            pages += 1;
            let page = text(&name);
            for file in ["src=\"/web/", "href=\"/web/"].iter().flat_map(|before| quoted(&page, before)) {
                assert!(Files::get(file).is_some(), "{name} names {file}");
            }
            assert!(page.contains("<html lang=\"en\">") && page.contains("<title>"), "{name}");
            for forbidden in [" style=", "<style", " onclick=", "<script>", "http://", "https://"] {
                assert!(!page.contains(forbidden), "{name} has {forbidden}");
            }
            let ids = quoted(&page, " id=\"");
            for label in quoted(&page, " for=\"") {
                assert!(ids.contains(&label), "{name} labels {label}");
            }
            let once: std::collections::BTreeSet<_> = ids.iter().collect();
            assert_eq!(once.len(), ids.len(), "{name} gives an id twice");
        }
        assert!(pages >= 5, "only {pages} pages");
    }

    #[test]
    fn a_script_loads_ours_alone_and_names_elements_that_are_there() {
        let pages: String =
            Files::iter().filter(|name| name.ends_with(".html")).map(|name| text(&name)).collect();
        let ids = quoted(&pages, " id=\"");
        for name in Files::iter().filter(|name| name.ends_with(".js")) {
            let script = text(&name);
            for module in ["from \"./", "import(\"./"].iter().flat_map(|before| quoted(&script, before)) {
                assert!(Files::get(module).is_some(), "{name} loads {module}");
            }
            let elsewhere = script.replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"), "{name}");
            for id in quoted(&script, "at(\"") {
                assert!(ids.contains(&id), "{name} looks for {id}");
            }
        }
    }

    #[test]
    fn a_file_that_is_known_already_is_not_sent_again() {
        let first = page("style.css", &HeaderMap::new()).unwrap();
        let tag = first.headers()[header::ETAG].clone();
        assert_eq!(first.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        let asked = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]);
        assert_eq!(page("style.css", &asked).unwrap().status(), StatusCode::NOT_MODIFIED);
        assert!(page("../Cargo.toml", &HeaderMap::new()).is_err());
        assert!(page("nothing.css", &HeaderMap::new()).is_err());
    }
}

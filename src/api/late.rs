//! What a page asked too long ago is not done: a network that comes back brings along what was asked before it went, when
//! whoever asked has been told long since that there was no answer.

use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::api::now;
use crate::api::problem::Problem;
use crate::base::WallTime;

/// When it was asked, in milliseconds since 1970 by this server's clock, which a page has from what it watches. Who does
/// not say so is never late.
const ASKED: &str = "x-warmline-asked";
/// A page waits eight seconds for an answer.
const LATEST: Duration = Duration::from_secs(10);

/// Refuses what was asked more than ten seconds ago.
pub(super) async fn in_time_only(request: Request, next: Next) -> Response {
    match age(request.headers(), now()).filter(|age| *age > LATEST) {
        Some(age) => {
            let error = format!("this was asked {} s ago, and is not done any more", age.as_secs());
            let hint = "look at what there is now, and ask again";
            Problem::new(StatusCode::CONFLICT, error, hint).into_response()
        }
        None => next.run(request).await,
    }
}

fn age(headers: &HeaderMap, now: WallTime) -> Option<Duration> {
    let asked: i64 = headers.get(ASKED)?.to_str().ok()?.parse().ok()?;
    Some(now.since(WallTime(0).moved(asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age_of(asked: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(ASKED, asked.parse().expect("a value"));
        age(&headers, WallTime(1_764_000_020_000_000))
    }

    #[test]
    fn what_is_asked_has_an_age_by_the_server_s_clock() {
        assert_eq!(age_of("1764000000000"), Some(Duration::from_secs(20)));
        assert_eq!(
            age_of("1764000021000"),
            Some(Duration::ZERO),
            "a clock that was set back makes nothing late"
        );
        assert_eq!((age_of("yesterday"), age(&HeaderMap::new(), WallTime(0))), (None, None));
        assert_eq!(age_of("-9223372036854775808").map(|age| age > LATEST), Some(true));
    }
}

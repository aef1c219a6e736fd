//! The session cookie.

use super::sessions::LONGEST;
use axum::http::{HeaderMap, HeaderValue, header};

const NAME: &str = "quaylight_session";

/// The session's token in a request's cookies.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = all.flat_map(|it| it.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| value)
}

/// The value of `Set-Cookie` for a new session.
pub fn of_session(token: &str, base_path: &str) -> HeaderValue {
    with(token, LONGEST, base_path)
}

/// The value of `Set-Cookie` that removes the cookie.
pub fn removed(base_path: &str) -> HeaderValue {
    with("", 0, base_path)
}

/// `Lax`, so that a link from another site opens the page; requests that change anything are checked by their origin.
fn with(value: &str, max_age: i64, base_path: &str) -> HeaderValue {
    let path = if base_path.is_empty() { "/" } else { base_path };
    let cookie = format!("{NAME}={value}; Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&cookie).expect("tokens and base paths consist of visible ASCII characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(token(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; quaylight_session=abc"));
        headers.append(header::COOKIE, HeaderValue::from_static("xquaylight_session=no"));
        assert_eq!(token(&headers), Some("abc"));
        let set = of_session("abc", "/docker");
        assert_eq!(set, "quaylight_session=abc; Path=/docker; Max-Age=2592000; HttpOnly; SameSite=Lax");
        assert_eq!(removed(""), "quaylight_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }
}

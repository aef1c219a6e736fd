//! The session cookie.

use super::credentials::LONGEST;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

const NAME: &str = "quaylight_session";

/// The name on HTTPS without a base path: browsers accept it from this host only, encrypted.
const HOST_NAME: &str = "__Host-quaylight_session";

/// Of a sign-in at an OpenID provider.
const STARTED_NAME: &str = "quaylight_oidc";

/// The session's token in a request's cookies.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    value(headers, HOST_NAME).or_else(|| value(headers, NAME))
}

fn value<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = all.flat_map(|it| it.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

/// Whether the browser uses HTTPS, also if a proxy in front of the server decrypts it: `Origin` tells.
pub fn is_https(headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

/// The value of `Set-Cookie` for a new session.
pub fn of_session(token: &str, base_path: &str, is_https: bool) -> HeaderValue {
    let name = if is_https && base_path.is_empty() { HOST_NAME } else { NAME };
    cookie(name, token, LONGEST, base_path, is_https)
}

/// What a sign-in at an OpenID provider was started with.
pub fn started(headers: &HeaderMap) -> Option<&str> {
    value(headers, STARTED_NAME)
}

/// The value of `Set-Cookie` for the start of a sign-in at an OpenID provider. `max_age` is in seconds.
pub fn of_started(value: &str, max_age: i64, base_path: &str, is_https: bool) -> HeaderValue {
    cookie(STARTED_NAME, value, max_age, base_path, is_https)
}

/// The headers that remove the cookie, by each of its names.
pub fn removals(base_path: &str) -> [(HeaderName, HeaderValue); 2] {
    [(NAME, false), (HOST_NAME, true)]
        .map(|(name, is_secure)| (header::SET_COOKIE, cookie(name, "", 0, base_path, is_secure)))
}

/// `Lax`, so that a link from another site opens the page; requests that change anything are checked by their origin.
fn cookie(name: &str, value: &str, max_age: i64, base_path: &str, is_secure: bool) -> HeaderValue {
    let path = if base_path.is_empty() { "/" } else { base_path };
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
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
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-quaylight_session=def"));
        assert_eq!(token(&headers), Some("def"));
    }

    #[test]
    fn cookie_is_bound_to_https_and_to_the_host_where_possible() {
        let attributes = "Max-Age=2592000; HttpOnly; SameSite=Lax";
        for (base_path, is_https, expected) in [
            ("", false, format!("quaylight_session=abc; Path=/; {attributes}")),
            ("/docker", false, format!("quaylight_session=abc; Path=/docker; {attributes}")),
            ("", true, format!("__Host-quaylight_session=abc; Path=/; {attributes}; Secure")),
            ("/docker", true, format!("quaylight_session=abc; Path=/docker; {attributes}; Secure")),
        ] {
            assert_eq!(of_session("abc", base_path, is_https), expected);
        }
        let removed = removals("").map(|(_, value)| value);
        assert_eq!(removed[0], "quaylight_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
        assert_eq!(removed[1], "__Host-quaylight_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
    }
}

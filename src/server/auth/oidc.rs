//! Sign-in with an OpenID provider: OpenID Connect's authorization code flow with PKCE.
//!
//! The browser keeps what a sign-in needs until the provider sends it back, encrypted, in a cookie. The provider's metadata and
//! keys are cached; a token that is signed with an unknown key makes the keys be read again.

use super::second_factor::is_equal;
use crate::{
    message,
    model::{Message, Role, Timestamp},
    server::{
        clock::Clock,
        percent,
        vault::{Sealed, Vault},
        web_client::WebClient,
    },
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use http_body_util::Full;
use hyper::{Request, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::Jwk};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Mutex;
use url::{Host, Url};

/// In milliseconds: the time to sign in at the provider.
pub const SIGN_IN_WITHIN: i64 = 600_000;

/// What started sign-ins are sealed for.
const STARTED: &str = "OpenID sign-in";

/// Signatures that prove who signed. Those with a shared secret don't: the provider's public key could be taken for one.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Time for which the provider's metadata are cached.
const METADATA_LAST: Duration = Duration::from_secs(3_600);

/// Shortest interval between requests for the provider's metadata or keys.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(5);

/// Differences between clocks, in seconds.
const LEEWAY: u64 = 60;

/// In characters.
const LONGEST_REASON: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// Without a slash at the end, unless the provider's own name has one.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<ClientSecret>,
    /// The address of this server's pages, with the base path.
    pub public_url: String,
    /// The provider's name on the sign-in page.
    pub name: String,
    /// Separated by spaces.
    pub scopes: String,
    pub user_claim: String,
    pub groups_claim: String,
    /// Users in none of these groups are refused. `*` stands for all users.
    pub admin_groups: Vec<String>,
    pub operator_groups: Vec<String>,
    pub viewer_groups: Vec<String>,
}

/// Not shown in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(pub String);

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// By which a user is recognized. The name may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
}

/// A user as the provider describes them.
#[derive(Debug, PartialEq, Eq)]
pub struct ProvidedUser {
    pub identity: Identity,
    pub name: String,
    pub role: Role,
}

#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub enum OidcError {
    /// The provider, or something between. The text is for the log.
    Provider(String),
    /// The provider's reason.
    Refused(String),
    /// The browser has none of this server's sign-ins, or an old one.
    Expired,
    NoName,
    NoGroup {
        identity: Identity,
        name: String,
    },
}

impl OidcError {
    pub fn message(&self) -> Message {
        match self {
            Self::Provider(_) => {
                message!("The sign-in with the provider failed. See the server's log for the cause.")
            }
            Self::Refused(reason) => message!("The provider refused the sign-in: {reason}", reason),
            Self::Expired => message!("That took too long. Start again."),
            Self::NoName => message!("The provider sent no user name that can be used here."),
            Self::NoGroup { .. } => message!("You are in none of the groups that may use Quaylight."),
        }
    }
}

/// The query of the provider's redirect to this server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Returned {
    code: String,
    state: String,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// The provider's metadata.
#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// A sign-in that was started in this browser.
#[derive(Serialize, Deserialize)]
pub struct Started {
    state: String,
    nonce: String,
    verifier: String,
    /// The page to return to.
    next: String,
    began: Timestamp,
}

/// The provider's keys, of any kind.
#[derive(Deserialize)]
struct Keys {
    keys: Vec<Value>,
}

impl Keys {
    /// Those of a kind that can be used here.
    fn known(self) -> Vec<Jwk> {
        self.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect()
    }
}

impl Metadata {
    /// Refuses unencrypted endpoints.
    fn checked(self) -> Result<Self, String> {
        let endpoints = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        let unsafe_one = endpoints.into_iter().chain(&self.userinfo_endpoint).find(|it| !is_encrypted_or_local(it));
        if let Some(endpoint) = unsafe_one {
            return Err(format!("the provider's endpoint {endpoint} is not encrypted"));
        }
        Ok(self)
    }
}

/// Whether no one between this machine and the address can read or change requests to it.
pub fn is_encrypted_or_local(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| match (url.scheme(), url.host()) {
        ("https", _) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost",
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    })
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

pub struct Oidc {
    settings: OidcSettings,
    web: WebClient,
    clock: Clock,
    /// Locked during a request, so that many sign-ins wait for one.
    provider: Mutex<Provider>,
}

#[derive(Default)]
struct Provider {
    /// With the time of the steady clock at which they were read.
    metadata: Option<(Arc<Metadata>, Duration)>,
    keys: Option<(Vec<Jwk>, Duration)>,
    /// When the keys were last read before their time, because one was unknown or wrong.
    read_again: Option<Duration>,
    /// The latest failed request for metadata.
    failed: Option<(String, Duration)>,
}

impl Oidc {
    pub fn new(settings: OidcSettings, web: WebClient, clock: Clock) -> Self {
        Self { settings, web, clock, provider: Mutex::default() }
    }

    pub fn provider_name(&self) -> &str {
        &self.settings.name
    }

    /// Whether browsers reach this server over HTTPS.
    pub fn is_https(&self) -> bool {
        self.settings.public_url.starts_with("https://")
    }

    /// Starts a sign-in. Returns the provider's page, and the value of the cookie that the browser keeps meanwhile.
    pub async fn start(&self, vault: &Vault, next: String) -> Result<(String, String), OidcError> {
        let metadata = self.metadata().await?;
        let [state, nonce, verifier] = [(); 3].map(|()| BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let OidcSettings { client_id, scopes, .. } = &self.settings;
        let redirect_uri = self.redirect_uri();
        let query = encoded(&[
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", &redirect_uri),
            ("scope", scopes),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let endpoint = &metadata.authorization_endpoint;
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        let started = Started { state, nonce, verifier, next, began: self.clock.now() };
        let sealed = vault.seal(STARTED, &started).map_err(|error| OidcError::Provider(error.to_string()))?;
        Ok((format!("{endpoint}{separator}{query}"), url_safe(&sealed.into_text())))
    }

    /// The sign-in that this browser has started, and that the provider answers.
    pub fn started(&self, vault: &Vault, cookie: Option<&str>, returned: &Returned) -> Result<Started, OidcError> {
        let started: Option<Started> =
            cookie.and_then(|it| vault.open_sealed(STARTED, &Sealed::from_text(standard(it))).ok());
        let age = |it: &Started| self.clock.now().millis() - it.began.millis();
        let started =
            started.filter(|it| (0..SIGN_IN_WITHIN).contains(&age(it)) && is_equal(&it.state, &returned.state));
        started.ok_or(OidcError::Expired)
    }

    /// Finishes a sign-in with what the provider sends. Returns the user, and the page to return to.
    pub async fn finish(&self, started: Started, returned: Returned) -> Result<(ProvidedUser, String), OidcError> {
        let Started { nonce, verifier, next, .. } = started;
        if let Some(error) = returned.error {
            let reason = returned.error_description.unwrap_or(error);
            return Err(OidcError::Refused(reason.chars().take(LONGEST_REASON).collect()));
        }
        let metadata = self.metadata().await?;
        if returned.iss.is_some_and(|it| it != metadata.issuer) {
            return Err(OidcError::Provider("the redirect is of another issuer".into()));
        }
        let tokens = self.tokens(&metadata, &returned.code, &verifier).await?;
        let mut claims = self.verified(&metadata, &tokens.id_token, &nonce).await?;
        if let (false, Some(endpoint), Some(token)) =
            (claims.contains_key(&self.settings.groups_claim), &metadata.userinfo_endpoint, &tokens.access_token)
        {
            self.add_user_info(endpoint, token, &mut claims).await?;
        }
        Ok((self.settings.user(&metadata.issuer, &claims)?, next))
    }

    fn redirect_uri(&self) -> String {
        format!("{}/login/oidc/callback", self.settings.public_url)
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, OidcError> {
        let mut provider = self.provider.lock().await;
        let now = self.clock.moment().steady;
        if let Some((metadata, read)) = &provider.metadata
            && now < *read + METADATA_LAST
        {
            return Ok(metadata.clone());
        }
        if let Some((error, failed)) = &provider.failed
            && now < *failed + SHORTEST_INTERVAL
        {
            return Err(OidcError::Provider(error.clone()));
        }
        let issuer = &self.settings.issuer;
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata = match self.read_json::<Metadata>(get(&address)?).await {
            Ok(metadata) if metadata.issuer == *issuer => metadata.checked().map(Arc::new),
            Ok(metadata) => Err(format!("{address} is of the issuer {:?}, not {issuer:?}", metadata.issuer)),
            Err(error) => Err(error),
        };
        match metadata {
            Ok(metadata) => {
                provider.metadata = Some((metadata.clone(), now));
                provider.failed = None;
                Ok(metadata)
            }
            Err(error) => {
                provider.failed = Some((error.clone(), self.clock.moment().steady));
                Err(OidcError::Provider(error))
            }
        }
    }

    /// The provider's key for a token's header: not `wrong`, which has not signed it.
    async fn key(&self, metadata: &Metadata, id: Option<&str>, wrong: Option<&Jwk>) -> Result<Jwk, OidcError> {
        let mut provider = self.provider.lock().await;
        let now = self.clock.moment().steady;
        let of = |provider: &Provider| {
            let key = found(&provider.keys.as_ref()?.0, id)?;
            (Some(&key) != wrong).then_some(key)
        };
        let is_fresh = provider.keys.as_ref().is_some_and(|(_, read)| now < *read + METADATA_LAST);
        if let Some(key) = of(&provider).filter(|_| is_fresh) {
            return Ok(key);
        }
        if !is_fresh || provider.read_again.is_none_or(|last| now >= last + SHORTEST_INTERVAL) {
            if is_fresh {
                provider.read_again = Some(now);
            }
            let keys: Keys = self.read_json(get(&metadata.jwks_uri)?).await.map_err(OidcError::Provider)?;
            provider.keys = Some((keys.known(), now));
        }
        of(&provider).ok_or_else(|| OidcError::Provider("the token is signed with an unknown key".into()))
    }

    async fn tokens(&self, metadata: &Metadata, code: &str, verifier: &str) -> Result<Tokens, OidcError> {
        let OidcSettings { client_id, client_secret, .. } = &self.settings;
        let redirect_uri = self.redirect_uri();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", verifier),
            ("client_id", client_id),
        ];
        let mut request = Request::post(&metadata.token_endpoint)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        let methods = &metadata.token_endpoint_auth_methods_supported;
        if let Some(ClientSecret(secret)) = client_secret {
            // The default, if the provider lists no methods.
            if methods.is_empty() || methods.iter().any(|it| it == "client_secret_basic") {
                let both = format!("{}:{}", percent::component(client_id), percent::component(secret));
                request = request.header(header::AUTHORIZATION, format!("Basic {}", BASE64_STANDARD.encode(both)));
            } else {
                form.push(("client_secret", secret));
            }
        }
        self.read_json(with_body(request, encoded(&form))?).await.map_err(OidcError::Provider)
    }

    /// The claims of an ID token for this sign-in.
    async fn verified(&self, metadata: &Metadata, token: &str, nonce: &str) -> Result<Map<String, Value>, OidcError> {
        let invalid = |error: &dyn fmt::Display| OidcError::Provider(format!("the ID token is invalid: {error}"));
        let header = decode_header(token).map_err(|error| invalid(&error))?;
        let key = self.key(metadata, header.kid.as_deref(), None).await?;
        match self.settings.claims(token, &key, nonce) {
            Ok(claims) => Ok(claims),
            // The provider may have another key with the same ID by now.
            Err(error) => match self.key(metadata, header.kid.as_deref(), Some(&key)).await {
                Ok(other) => self.settings.claims(token, &other, nonce).map_err(|error| invalid(&error)),
                Err(_) => Err(invalid(&error)),
            },
        }
    }

    async fn add_user_info(
        &self,
        endpoint: &str,
        token: &str,
        claims: &mut Map<String, Value>,
    ) -> Result<(), OidcError> {
        let request = Request::get(endpoint).header(header::AUTHORIZATION, format!("Bearer {token}"));
        let info: Map<String, Value> =
            self.read_json(with_body(request, String::new())?).await.map_err(OidcError::Provider)?;
        if info.get("sub") != claims.get("sub") {
            return Err(OidcError::Provider("the user info is of another user".into()));
        }
        for (name, value) in info {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }

    async fn read_json<T: DeserializeOwned>(&self, request: Request<Full<hyper::body::Bytes>>) -> Result<T, String> {
        let address = request.uri().to_string();
        let (status, body) = self.web.read(request).await?;
        if status != StatusCode::OK {
            let text: String = String::from_utf8_lossy(&body).chars().take(LONGEST_REASON).collect();
            return Err(format!("{address}: status {status}: {text}"));
        }
        serde_json::from_slice(&body).map_err(|error| format!("{address}: {error}"))
    }
}

impl OidcSettings {
    /// The host name of this server, with a port unless it is the usual one.
    pub fn host(&self) -> Option<String> {
        let url = Url::parse(&self.public_url).ok()?;
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    }

    /// Verifies the signature, the issuer, the audience, the time and the nonce of an ID token.
    fn claims(&self, token: &str, key: &Jwk, nonce: &str) -> Result<Map<String, Value>, String> {
        let algorithm = decode_header(token).map_err(|error| error.to_string())?.alg;
        if !ALGORITHMS.contains(&algorithm) {
            return Err(format!("it is signed with {algorithm:?}"));
        }
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[&self.client_id]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
        let claims = decode::<Map<String, Value>>(token, &key, &validation).map_err(|error| error.to_string())?.claims;
        if !text(&claims, "nonce").is_some_and(|it| is_equal(it, nonce)) {
            return Err("it is of another sign-in".into());
        }
        if text(&claims, "azp").is_some_and(|it| it != self.client_id) {
            return Err("it is for another client".into());
        }
        Ok(claims)
    }

    fn user(&self, issuer: &str, claims: &Map<String, Value>) -> Result<ProvidedUser, OidcError> {
        let subject = text(claims, "sub").filter(|it| !it.is_empty()).ok_or(OidcError::NoName)?;
        let name = text(claims, &self.user_claim).ok_or(OidcError::NoName)?;
        let groups: Vec<&str> = match claims.get(&self.groups_claim) {
            Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(group)) => vec![group],
            _ => Vec::new(),
        };
        let has = |wanted: &[String]| wanted.iter().any(|it| it == "*" || groups.contains(&it.as_str()));
        let roles = [
            (Role::Admin, &self.admin_groups),
            (Role::Operator, &self.operator_groups),
            (Role::Viewer, &self.viewer_groups),
        ];
        let identity = Identity { issuer: issuer.to_owned(), subject: subject.to_owned() };
        let name = name.to_owned();
        match roles.into_iter().find(|(_, groups)| has(groups)) {
            Some((role, _)) => Ok(ProvidedUser { identity, name, role }),
            None => Err(OidcError::NoGroup { identity, name }),
        }
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// A token without a key's ID was signed with the only key.
fn found(keys: &[Jwk], id: Option<&str>) -> Option<Jwk> {
    match (id, keys) {
        (Some(id), _) => keys.iter().find(|it| it.common.key_id.as_deref() == Some(id)).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}

fn get(address: &str) -> Result<Request<Full<hyper::body::Bytes>>, OidcError> {
    with_body(Request::get(address), String::new())
}

fn with_body(
    request: hyper::http::request::Builder,
    body: String,
) -> Result<Request<Full<hyper::body::Bytes>>, OidcError> {
    let request = request.header(header::USER_AGENT, concat!("Quaylight/", env!("CARGO_PKG_VERSION")));
    request.body(Full::from(body)).map_err(|error| OidcError::Provider(error.to_string()))
}

/// As `application/x-www-form-urlencoded`.
fn encoded(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", percent::component(value))).collect();
    pairs.join("&")
}

/// Cookies can't contain `=`, and proxies have refused `+` and `/`.
fn url_safe(base64: &str) -> String {
    base64.trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn standard(url_safe: &str) -> String {
    let padding = "=".repeat((4 - url_safe.len() % 4) % 4);
    url_safe.replace('-', "+").replace('_', "/") + &padding
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };
    use serde_json::json;

    fn settings() -> OidcSettings {
        OidcSettings {
            issuer: "https://id.example".into(),
            client_id: "quaylight".into(),
            client_secret: None,
            public_url: "https://docker.example".into(),
            name: "Example".into(),
            scopes: "openid".into(),
            user_claim: "preferred_username".into(),
            groups_claim: "groups".into(),
            admin_groups: vec!["admins".into()],
            operator_groups: vec!["developers".into()],
            viewer_groups: Vec::new(),
        }
    }

    /// A signing key, and the provider's description of it.
    fn key() -> (EncodingKey, Jwk) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        // 4, x, y.
        let [x, y] = [1..33, 33..65].map(|at| BASE64_URL_SAFE_NO_PAD.encode(&pair.public_key().as_ref()[at]));
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "one", "x": x, "y": y});
        (EncodingKey::from_ec_der(pkcs8.as_ref()), serde_json::from_value(jwk).unwrap())
    }

    fn claims() -> Value {
        let now = get_current_timestamp();
        json!({"iss": "https://id.example", "aud": "quaylight", "sub": "1", "exp": now + 300, "nonce": "n"})
    }

    fn with(name: &str, value: impl Into<Value>) -> Value {
        let mut claims = claims();
        claims[name] = value.into();
        claims
    }

    #[test]
    fn only_valid_tokens_for_this_sign_in_are_accepted() {
        let ((signing, jwk), settings) = (key(), settings());
        let check = |claims: &Value| {
            settings.claims(&encode(&Header::new(Algorithm::ES256), claims, &signing).unwrap(), &jwk, "n")
        };
        assert_eq!(check(&claims()).unwrap()["sub"], "1");
        assert!(check(&with("aud", json!(["other", "quaylight"]))).is_ok());
        let now = get_current_timestamp();
        for (name, value) in [
            ("iss", json!("https://id.example/")),
            ("aud", json!("other")),
            ("exp", json!(now - LEEWAY - 5)),
            ("nbf", json!(now + LEEWAY + 5)),
            ("nonce", json!("of another sign-in")),
            ("azp", json!("other")),
        ] {
            assert!(check(&with(name, value)).is_err(), "{name}");
        }
        for name in ["iss", "aud", "sub", "exp", "nonce"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            assert!(check(&claims).is_err(), "without {name}");
        }
    }

    #[test]
    fn tokens_that_the_provider_has_not_signed_are_refused() {
        let ((signing, jwk), (other, _), settings) = (key(), key(), settings());
        let token = encode(&Header::new(Algorithm::ES256), &claims(), &other).unwrap();
        assert!(settings.claims(&token, &jwk, "n").is_err(), "another key");
        // The provider's public key as a shared secret.
        let public = BASE64_URL_SAFE_NO_PAD.decode(serde_json::to_value(&jwk).unwrap()["x"].as_str().unwrap()).unwrap();
        let token = encode(&Header::new(Algorithm::HS256), &claims(), &EncodingKey::from_secret(&public)).unwrap();
        assert!(settings.claims(&token, &jwk, "n").is_err(), "a shared secret");
        let signed = encode(&Header::new(Algorithm::ES256), &claims(), &signing).unwrap();
        let payload = signed.split('.').nth(1).unwrap();
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"None"}"#] {
            let unsigned = format!("{}.{payload}.", BASE64_URL_SAFE_NO_PAD.encode(header));
            assert!(settings.claims(&unsigned, &jwk, "n").is_err(), "{header}");
        }
        let changed = BASE64_URL_SAFE_NO_PAD.encode(with("sub", "2").to_string());
        let (head, signature) = (signed.split('.').next().unwrap(), signed.rsplit('.').next().unwrap());
        assert!(settings.claims(&format!("{head}.{changed}.{signature}"), &jwk, "n").is_err(), "another user");
    }

    #[test]
    fn groups_give_the_role_and_users_in_none_are_refused() {
        let user = |settings: &OidcSettings, groups: Value| {
            let claims = json!({"sub": "1", "preferred_username": "anna", "groups": groups});
            settings.user("https://id.example", claims.as_object().unwrap()).map(|it| it.role)
        };
        let settings = settings();
        assert_eq!(user(&settings, json!(["users", "admins", "developers"])).unwrap(), Role::Admin);
        assert_eq!(user(&settings, json!("developers")).unwrap(), Role::Operator);
        for groups in [json!(["users"]), json!([]), json!(null), json!(["*"]), json!(["Admins"]), json!([{"a": 1}])] {
            assert!(
                matches!(user(&settings, groups.clone()), Err(OidcError::NoGroup { name, .. }) if name == "anna"),
                "{groups}"
            );
        }
        let all = OidcSettings { viewer_groups: vec!["*".into()], ..settings };
        assert_eq!(user(&all, json!(null)).unwrap(), Role::Viewer);
        let nameless = json!({"sub": "1"});
        assert!(matches!(all.user("", nameless.as_object().unwrap()), Err(OidcError::NoName)));
    }

    #[test]
    fn endpoints_must_be_encrypted_and_unknown_keys_are_skipped() {
        let metadata = |token_endpoint: &str| -> Metadata {
            let json = json!({
                "issuer": "https://id.example", "authorization_endpoint": "https://id.example/auth",
                "token_endpoint": token_endpoint, "jwks_uri": "https://id.example/jwks",
            });
            serde_json::from_value(json).unwrap()
        };
        assert!(metadata("https://id.example/token").checked().is_ok());
        assert!(metadata("http://127.0.0.1:1/token").checked().is_ok());
        assert!(metadata("http://id.example/token").checked().unwrap_err().contains("/token"));
        let (_, jwk) = key();
        let other = json!({"kty": "OKP", "crv": "X25519", "kid": "two", "alg": "ECDH-ES", "x": "AA"});
        let keys: Keys = serde_json::from_value(json!({"keys": [other, jwk]})).unwrap();
        assert_eq!(found(&keys.known(), Some("one")), Some(jwk));
    }

    #[test]
    fn cookie_value_survives_the_way() {
        for length in 0..5 {
            let text = BASE64_STANDARD.encode(vec![255; length]);
            let sent = url_safe(&text);
            assert!(!sent.contains(['=', '+', '/']), "{sent}");
            assert_eq!(standard(&sent), text);
        }
    }
}

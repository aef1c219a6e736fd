//! Sign-in with a password, and the setup of the first user.

use super::{
    Caller,
    credentials::{Credential, Credentials, What},
    oidc::{Identity, Oidc, OidcError, Returned},
    password::{Busy, Hasher, LONGEST, Unacceptable, check_new},
    second_factor::{Enrollments, Entered},
    throttle::{Throttle, TooMany},
    users::{LONGEST_NAME, User, Users, UsersError},
};
use crate::{
    message,
    model::{AccessScope, Message, Role, Timestamp},
    server::{
        clock::Clock,
        history::{History, Unavailable},
        vault::{Sealed, Vault, VaultError},
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, path::Path, sync::Arc, time::Duration};

/// Interval at which revoked and expired sessions end, also those that another process revokes.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

/// In milliseconds: the time to enter a code after the password.
const CODE_WITHIN: i64 = 300_000;

/// What unfinished sign-ins are sealed for.
const UNFINISHED: &str = "unfinished sign-in";

pub struct PasswordSignIn {
    pub(super) users: Users,
    pub(super) credentials: Credentials,
    pub(super) hasher: Hasher,
    pub(super) throttle: Throttle,
    pub(super) vault: Vault,
    pub(super) enrollments: Enrollments,
    oidc: Option<Oidc>,
    /// Authorizes the creation of the first user. A restart makes a new one.
    setup_token: String,
    pub(super) clock: Clock,
}

/// The origin of a sign-in.
pub struct Client {
    pub address: IpAddr,
    /// The `User-Agent` header.
    pub device: String,
}

/// A right password.
pub enum SignedIn {
    /// The token of the new session.
    Session(String),
    /// The user has a second factor: [`PasswordSignIn::finish`] takes this text with a code.
    NeedsCode(String),
}

/// A sign-in that needs a code.
#[derive(PartialEq, Serialize, Deserialize)]
struct Unfinished {
    user: String,
    /// Of the user when the password was entered.
    fingerprint: String,
    began: Timestamp,
}

#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub enum SignInError {
    /// The user or the password: which one, is not said.
    Wrong,
    /// The current password, of a user who changes it.
    WrongPassword,
    /// Of an authenticator app, or a recovery code.
    WrongCode,
    /// The time to enter a code is over.
    Expired,
    TooMany(TooMany),
    Busy,
    /// The setup link is of an earlier start, or was used.
    WrongSetupLink,
    /// A new password.
    Password(#[from] Unacceptable),
    Users(#[from] UsersError),
    Oidc(#[from] OidcError),
    /// A user without a password must have signed in lately for this.
    SignInAgain,
    /// The key or the recovery codes of a user.
    Vault(#[from] VaultError),
    Unavailable(Unavailable),
}

impl SignInError {
    pub fn message(&self) -> Message {
        match self {
            Self::Wrong => message!("Wrong user name or password."),
            Self::WrongPassword => message!("The current password is wrong."),
            Self::WrongCode => {
                message!("Wrong code. Enter the current one; the clocks of both devices must be right.")
            }
            Self::Expired => message!("That took too long. Start again."),
            Self::TooMany(TooMany(wait)) => message!(
                "Too many failed attempts. Try again in {seconds} s.",
                seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
            ),
            Self::Busy => message!("Too many people are signing in. Try again in a moment."),
            Self::WrongSetupLink => {
                message!("This setup link isn't valid. Use the one that Quaylight printed when it last started.")
            }
            Self::Password(why) => why.message(),
            Self::Users(error) => error.message(),
            Self::Oidc(error) => error.message(),
            Self::SignInAgain => message!("Sign out and in again, then repeat this within 10 minutes."),
            Self::Vault(error) => error.message(),
            Self::Unavailable(off) => off.message(),
        }
    }
}

impl From<Busy> for SignInError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl From<Unavailable> for SignInError {
    fn from(off: Unavailable) -> Self {
        Self::Unavailable(off)
    }
}

impl PasswordSignIn {
    pub async fn open(folder: &Path, history: History, vault: Vault, clock: Clock) -> Result<Self, UsersError> {
        Ok(Self {
            users: Users::open(folder)?,
            credentials: Credentials::load(history, clock).await,
            hasher: Hasher::default(),
            throttle: Throttle::default(),
            vault,
            enrollments: Enrollments::default(),
            oidc: None,
            setup_token: BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>()),
            clock,
        })
    }

    /// Also lets the users of an OpenID provider sign in.
    #[must_use]
    pub fn with_oidc(self, oidc: Option<Oidc>) -> Self {
        Self { oidc, ..self }
    }

    pub fn oidc(&self) -> Option<&Oidc> {
        self.oidc.as_ref()
    }

    /// Whether there are no users yet. An unreadable file is not "no users".
    pub fn needs_setup(&self) -> bool {
        self.users.all().is_ok_and(|users| users.is_empty())
    }

    /// Whether an unknown session is over, not only unreadable at the moment.
    pub fn knows_sessions(&self) -> bool {
        self.credentials.are_loaded()
    }

    /// Path and query of the setup link.
    pub fn setup_link(&self) -> Option<String> {
        self.needs_setup().then(|| format!("/setup?token={}", self.setup_token))
    }

    /// The caller of a request with the token of a session or an API token; `None` if it is over.
    pub fn caller(&self, token: &str, address: IpAddr) -> Option<Caller> {
        let presented = self.credentials.find(token)?;
        let credential = &presented.credential;
        let user = self.users.find(&credential.user).inspect_err(|error| tracing::error!(%error, "no sign-in")).ok()?;
        let user = user.filter(|it| is_valid(credential, it))?;
        let role = match credential.what {
            What::Session { .. } => user.role,
            What::ApiToken { role, .. } => role,
        };
        Some(Caller::with(presented, role, user.effective_scope().cloned().map(Arc::new), address))
    }

    /// A session that starts replaces `previous`, the session of the browser's cookie.
    pub async fn sign_in(
        &self,
        client: Client,
        name: &str,
        password: String,
        previous: Option<&str>,
    ) -> Result<SignedIn, SignInError> {
        if password.chars().count() > LONGEST || name.chars().count() > LONGEST_NAME {
            return Err(SignInError::Wrong);
        }
        let now = self.clock.moment().steady;
        let allowed = self.throttle.begin(client.address, name, now).map_err(SignInError::TooMany)?;
        let user = self.users.find(name)?;
        let stored = user.as_ref().map(|it| it.password.clone());
        let is_right = self.hasher.verify(stored, password, allowed.is_suspect).await?;
        let Some(user) = user.filter(|_| is_right) else {
            tracing::warn!(user = name, address = %client.address, "failed sign-in");
            return Err(SignInError::Wrong);
        };
        if user.second_factor.is_some() {
            self.throttle.continues(client.address, name);
            let unfinished = Unfinished { fingerprint: user.fingerprint(), user: user.name, began: self.clock.now() };
            return Ok(SignedIn::NeedsCode(self.vault.seal(UNFINISHED, &unfinished)?.into_text()));
        }
        self.throttle.succeeded(client.address, name);
        self.start(client, &user, previous).await.map(SignedIn::Session)
    }

    /// Finishes a sign-in with a code. Returns the token of a new session; with an error also the user, if the password is right.
    pub async fn finish(
        &self,
        client: Client,
        unfinished: String,
        code: String,
        previous: Option<&str>,
    ) -> Result<String, (SignInError, Option<String>)> {
        let now = self.clock.now();
        let unfinished = self.vault.open_sealed::<Unfinished>(UNFINISHED, &Sealed::from_text(unfinished));
        let unfinished = unfinished.ok().filter(|it| (0..CODE_WITHIN).contains(&(now.millis() - it.began.millis())));
        let Unfinished { user: name, fingerprint, .. } = unfinished.ok_or((SignInError::Expired, None))?;
        let finished = async {
            let is_the_same = |it: &User| it.fingerprint() == fingerprint && it.second_factor.is_some();
            let user = self.users.find(&name)?.filter(is_the_same);
            let user = user.ok_or(SignInError::Expired)?;
            let steady = self.clock.moment().steady;
            self.throttle.begin(client.address, &name, steady).map_err(SignInError::TooMany)?;
            self.enter_code(&name, code, false).await.inspect_err(|error| {
                tracing::warn!(user = name, address = %client.address, %error, "failed sign-in");
            })?;
            self.throttle.succeeded(client.address, &name);
            self.start(client, &user, previous).await
        };
        let token = finished.await;
        token.map_err(|error| (error, Some(name)))
    }

    /// Starts a sign-in at the OpenID provider: see [`Oidc::start`].
    pub async fn start_at_provider(&self, next: String) -> Result<(String, String), SignInError> {
        let oidc = self.oidc.as_ref().ok_or(SignInError::Expired)?;
        Ok(oidc.start(&self.vault, next).await?)
    }

    /// Finishes a sign-in at the OpenID provider. Returns the token of a new session, and the page to return to.
    pub async fn finish_at_provider(
        &self,
        client: Client,
        cookie: Option<&str>,
        returned: Returned,
        previous: Option<&str>,
    ) -> Result<(String, String), SignInError> {
        let oidc = self.oidc.as_ref().ok_or(SignInError::Expired)?;
        let started = oidc.started(&self.vault, cookie, &returned)?;
        // Each makes this server send requests.
        let (steady, key) = (self.clock.moment().steady, client.address.to_string());
        self.throttle.begin(client.address, &key, steady).map_err(SignInError::TooMany)?;
        let (provided, next) = match oidc.finish(started, returned).await {
            Err(OidcError::NoGroup { identity, name }) => {
                self.end_all_of(&identity).await?;
                return Err(OidcError::NoGroup { identity, name }.into());
            }
            finished => finished?,
        };
        // It proves no password.
        self.throttle.continues(client.address, &key);
        let (users, now) = (self.users.clone(), self.clock.now());
        let user = blocking(move || users.provided(provided, now)).await?;
        Ok((self.start(client, &user, previous).await?, next))
    }

    /// Ends the sessions and API tokens of a user whom the provider no longer admits.
    async fn end_all_of(&self, identity: &Identity) -> Result<(), SignInError> {
        let users = self.users.all()?;
        if let Some(user) = users.iter().find(|it| it.identity.as_ref() == Some(identity)) {
            self.credentials.end(|it| it.user == user.name).await;
        }
        Ok(())
    }

    /// Checks a code of the user, and turns off the second factor if wanted.
    pub(super) async fn enter_code(&self, name: &str, code: String, turns_off: bool) -> Result<(), SignInError> {
        let (users, vault, now) = (self.users.clone(), self.vault.clone(), self.clock.now());
        let name = name.to_owned();
        let entered = blocking(move || {
            users.update(&name, |user| {
                let factor = user.second_factor.as_mut().ok_or(UsersError::NoTwoFactor)?;
                let entered = factor.enter(&vault, &name, &code, now);
                if turns_off && matches!(entered, Ok(Entered::Accepted)) {
                    user.second_factor = None;
                }
                Ok(entered)
            })?
        });
        match entered.await?? {
            Entered::Accepted => Ok(()),
            Entered::Wrong => Err(SignInError::WrongCode),
            Entered::TooMany(wait) => Err(SignInError::TooMany(wait)),
        }
    }

    async fn start(&self, client: Client, user: &User, previous: Option<&str>) -> Result<String, SignInError> {
        let token = self.credentials.start(user, client.device, client.address.to_string()).await?;
        // Read again: a second factor that was turned on meanwhile has ended the sessions before this one.
        let has_changed = |it: &User| it.second_factor.is_some() != user.second_factor.is_some();
        if self.users.find(&user.name)?.is_none_or(|it| has_changed(&it)) {
            self.sign_out(&token).await;
            return Err(SignInError::Expired);
        }
        if let Some(previous) = previous.and_then(|it| self.credentials.find(it)) {
            self.credentials.replace(&previous).await;
        }
        tracing::info!(user = user.name, address = %client.address, "signed in");
        Ok(token)
    }

    /// Creates the first user, an admin. Returns the token of a new session.
    pub async fn set_up(
        &self,
        client: Client,
        setup_token: &str,
        name: &str,
        password: String,
    ) -> Result<String, SignInError> {
        let now = self.clock.moment().steady;
        self.throttle.begin(client.address, "", now).map_err(SignInError::TooMany)?;
        // Compares hashes: how long that takes tells nothing about the token.
        let hash = |token: &str| digest(&SHA256, token.as_bytes());
        let is_right = hash(setup_token).as_ref() == hash(&self.setup_token).as_ref();
        if !is_right || !self.needs_setup() {
            return Err(SignInError::WrongSetupLink);
        }
        self.throttle.succeeded(client.address, "");
        let user = self.new_user(name, Role::Admin, None, password).await?;
        let (users, first) = (self.users.clone(), user.clone());
        blocking(move || users.add_first(first)).await?;
        tracing::info!(user = name, address = %client.address, "first user created");
        Ok(self.credentials.start(&user, client.device, client.address.to_string()).await?)
    }

    /// Checks a new password, and hashes it.
    pub(super) async fn hash(&self, name: &str, password: String) -> Result<String, SignInError> {
        check_new(&password, name)?;
        Ok(self.hasher.hash(password).await?)
    }

    pub(super) async fn new_user(
        &self,
        name: &str,
        role: Role,
        scope: Option<AccessScope>,
        password: String,
    ) -> Result<User, SignInError> {
        let password = self.hash(name, password).await?;
        Ok(User::with_password(name.to_owned(), role, scope, password, self.clock.now()))
    }

    /// Ends the session of a token.
    pub async fn sign_out(&self, token: &str) {
        if let Some(presented) = self.credentials.find(token) {
            self.credentials.end(|it| it.id == presented.credential.id).await;
        }
    }

    /// Ends the credentials that are over, or no longer valid because their user has changed. Never returns.
    pub async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            self.end_revoked().await;
        }
    }

    pub(super) async fn end_revoked(&self) {
        // While the file is unreadable, no request is authorized.
        let Ok(users) = self.users.all() else { return };
        let is_valid = |it: &Credential| users.iter().any(|user| user.name == it.user && is_valid(it, user));
        self.credentials.sweep(|credential| !is_valid(credential)).await;
    }
}

/// A session is over once the user's password, role or scope has changed. An API token outlives that, unless another person has
/// reset the password or changed the scope, but never has more rights than its user, and none that a removed user of the same name
/// had.
fn is_valid(credential: &Credential, user: &User) -> bool {
    match &credential.what {
        What::Session { fingerprint, ends, .. } => ends.is_some() || *fingerprint == user.fingerprint(),
        What::ApiToken { role, scope, .. } => {
            *role <= user.role
                && scope.as_ref() == user.effective_scope()
                && credential.created >= user.created
                && user.reset.is_none_or(|it| credential.created > it)
        }
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    change: impl FnOnce() -> Result<T, UsersError> + Send + 'static,
) -> Result<T, UsersError> {
    let done = tokio::task::spawn_blocking(change).await;
    done.unwrap_or_else(|_| Err(std::io::Error::other("interrupted").into()))
}

//! The accounts of signed-in users: their passwords, sessions and API tokens.

use super::{
    Auth, Caller, PasswordSignIn, SignInError,
    credentials::{Credential, Presented, What},
    device::device_name,
    password::LONGEST,
    second_factor::SecondFactor,
    sign_in::blocking,
    throttle::TooMany,
    users::{User, UsersError},
};
use crate::{
    message,
    model::{Account, AccountChange, AccountResponse, Role, SessionInfo, Timestamp, TokenInfo},
    wire::{ActionError, ErrorKind},
};
use std::{mem, net::IpAddr};

/// API tokens of one user.
const MOST_TOKENS: usize = 50;

/// In characters.
const LONGEST_TOKEN_NAME: usize = 64;

/// In milliseconds: the age of a session that proves its user without a password.
const RECENT: i64 = 600_000;

/// In days.
const LONGEST_VALIDITY: u32 = 3_650;

/// A change of an account.
pub enum Changed {
    /// The token of the session that replaces the caller's.
    Password {
        token: String,
    },
    Other(AccountResponse),
}

impl Auth {
    /// The caller's sessions and API tokens.
    ///
    /// # Errors
    /// `Forbidden` without a session: API tokens don't manage accounts.
    pub fn account(&self, caller: &Caller) -> Result<Account, ActionError> {
        let (auth, session) = self.signed_in(caller)?;
        let scope = caller.scope().map(|it| (**it).clone());
        let mut account = Account { scope, ..Account::default() };
        let user = auth.users.find(caller.name()).map_err(SignInError::Users)?;
        account.has_password = user.as_ref().is_some_and(|it| it.identity.is_none());
        if let Some(factor) = user.and_then(|it| it.second_factor) {
            account.recovery_codes = Some(factor.recovery_codes(&auth.vault, caller.name()).unwrap_or_default());
        }
        for Credential { id, created, used, what, .. } in auth.credentials.of(caller.name()) {
            match what {
                What::Session { device, address, .. } => {
                    let is_current = id == session.credential.id;
                    let device = device_name(&device);
                    account.sessions.push(SessionInfo { id, device, address, created, used, is_current });
                }
                What::ApiToken { name, role, expires, .. } => {
                    let used = (used != created).then_some(used);
                    account.tokens.push(TokenInfo { id, name, role, created, used, expires });
                }
            }
        }
        Ok(account)
    }

    /// Changes the caller's account.
    ///
    /// # Errors
    /// `Forbidden` without a session, for a wrong current password or code, and for a role above the caller's; `Busy` after too
    /// many failed attempts.
    pub async fn change_account(&self, caller: &Caller, change: AccountChange) -> Result<Changed, ActionError> {
        let (auth, session) = self.signed_in(caller)?;
        let user = caller.name();
        let is_other = |it: &Credential| is_session(it) && it.id != session.credential.id;
        let response = match change {
            AccountChange::Password { current, new } => {
                let token = auth.change_password(session, caller.address(), current, new).await?;
                return Ok(Changed::Password { token });
            }
            AccountChange::EndSession { id } => auth.end(user, |it| is_session(it) && it.id == id).await,
            AccountChange::EndOtherSessions => auth.end(user, is_other).await,
            AccountChange::RevokeToken { id } => auth.end(user, |it| !is_session(it) && it.id == id).await,
            AccountChange::CreateToken { name, role, days, password } => {
                auth.check_password(session, caller.address(), password).await?;
                AccountResponse::Token(auth.create_token(caller, &name, role, days).await?)
            }
            AccountChange::StartTwoFactor { host, password } => {
                let checked = auth.check_password(session, caller.address(), password).await?;
                if checked.identity.is_some() {
                    return Err(SignInError::from(UsersError::NoPassword).into());
                }
                if checked.second_factor.is_some() {
                    return Err(SignInError::from(UsersError::HasTwoFactor).into());
                }
                AccountResponse::Enrollment(auth.enrollments.start(user, &host, auth.clock.moment().steady))
            }
            AccountChange::EnableTwoFactor { code } => {
                let codes = auth.enable_two_factor(user, code).await?;
                // They were opened with the password alone.
                auth.end(user, is_other).await;
                AccountResponse::RecoveryCodes(codes)
            }
            AccountChange::DisableTwoFactor { password, code } => {
                auth.check_password(session, caller.address(), password).await?;
                auth.enter_code(user, code, true).await?;
                tracing::info!(user, "two-factor authentication disabled");
                AccountResponse::Done
            }
        };
        Ok(Changed::Other(response))
    }

    pub(super) fn signed_in<'a>(
        &'a self,
        caller: &'a Caller,
    ) -> Result<(&'a PasswordSignIn, &'a Presented), ActionError> {
        match (self, caller.session()) {
            (Self::Password(auth), Some(session)) => Ok((auth, session)),
            _ => Err(ActionError::new(ErrorKind::Forbidden, message!("Sign in with a password to manage accounts"))),
        }
    }
}

impl PasswordSignIn {
    /// The user, if this is the user's current password. A session alone, which may be stolen, gives no lasting access. Users of
    /// an OpenID provider must have signed in lately instead.
    pub(super) async fn check_password(
        &self,
        session: &Presented,
        address: IpAddr,
        password: String,
    ) -> Result<User, SignInError> {
        let Credential { user: name, created, .. } = &*session.credential;
        if let Some(user) = self.users.find(name)?.filter(|it| it.identity.is_some()) {
            let age = self.clock.now().millis() - created.millis();
            return (0..RECENT).contains(&age).then_some(user).ok_or(SignInError::SignInAgain);
        }
        if password.chars().count() > LONGEST {
            return Err(SignInError::WrongPassword);
        }
        let allowed = self.throttle.begin(address, name, self.clock.moment().steady).map_err(SignInError::TooMany)?;
        let user = self.users.find(name)?;
        let stored = user.as_ref().map(|it| it.password.clone());
        let is_right = self.hasher.verify(stored, password, allowed.is_suspect).await?;
        let Some(user) = user.filter(|_| is_right) else {
            tracing::warn!(user = name, %address, "wrong current password");
            return Err(SignInError::WrongPassword);
        };
        self.throttle.succeeded(address, name);
        Ok(user)
    }

    async fn change_password(
        &self,
        session: &Presented,
        address: IpAddr,
        current: String,
        new: String,
    ) -> Result<String, SignInError> {
        let name = session.credential.user.as_str();
        let mut user = self.check_password(session, address, current).await?;
        if user.identity.is_some() {
            return Err(UsersError::NoPassword.into());
        }
        let verified = mem::replace(&mut user.password, self.hash(name, new).await?);
        // First: it is valid until its end, also with the new password.
        self.credentials.replace(session).await;
        let (users, changed) = (self.users.clone(), user.clone());
        if let Err(error) = blocking(move || users.change_password(changed, &verified)).await {
            self.credentials.keep(session).await;
            return Err(error.into());
        }
        tracing::info!(user = name, %address, "password changed");
        Ok(self.credentials.renew(session, &user, address.to_string()).await?)
    }

    /// Returns the recovery codes.
    async fn enable_two_factor(&self, name: &str, code: String) -> Result<Vec<String>, SignInError> {
        let now = self.clock.moment();
        let key = self.enrollments.key(name, now.steady).ok_or(SignInError::Expired)?;
        let (factor, codes) =
            SecondFactor::new(&self.vault, name, key, &code, self.clock.now())?.ok_or(SignInError::WrongCode)?;
        let (users, user) = (self.users.clone(), name.to_owned());
        blocking(move || users.add_second_factor(&user, factor)).await?;
        self.enrollments.end(name);
        tracing::info!(user = name, "two-factor authentication enabled");
        Ok(codes)
    }

    async fn end(&self, user: &str, matches: impl Fn(&Credential) -> bool) -> AccountResponse {
        self.credentials.end(|it| it.user == user && matches(it)).await;
        AccountResponse::Done
    }

    async fn create_token(
        &self,
        caller: &Caller,
        name: &str,
        role: Role,
        days: Option<u32>,
    ) -> Result<String, ActionError> {
        let name = name.trim();
        let invalid = |words| Err(ActionError::new(ErrorKind::Invalid, words));
        if name.is_empty() || name.chars().count() > LONGEST_TOKEN_NAME {
            return invalid(message!("The name must have 1 to {max} characters", max = LONGEST_TOKEN_NAME));
        }
        if days.is_some_and(|days| !(1..=LONGEST_VALIDITY).contains(&days)) {
            return invalid(message!("An API token is valid for 1 to {max} days", max = LONGEST_VALIDITY));
        }
        if role > caller.role() {
            return Err(ActionError::new(ErrorKind::Forbidden, message!("Your role doesn't allow this")));
        }
        if self.credentials.of(caller.name()).iter().filter(|it| !is_session(it)).count() >= MOST_TOKENS {
            return Err(ActionError::new(
                ErrorKind::Conflict,
                message!("You have {max} API tokens. Revoke one first.", max = MOST_TOKENS),
            ));
        }
        let expires =
            days.map(|days| Timestamp::from_seconds(self.clock.now().seconds() + i64::from(days) * 24 * 3_600));
        let access = (role, caller.scope().map(|it| (**it).clone()));
        let token = self.credentials.create_api_token(caller.name(), name.to_owned(), access, expires).await;
        let token = token.map_err(SignInError::Unavailable)?;
        tracing::info!(user = caller.name(), token = name, role = role.as_str(), "API token created");
        Ok(token)
    }
}

pub(super) fn is_session(credential: &Credential) -> bool {
    matches!(credential.what, What::Session { .. })
}

impl From<SignInError> for ActionError {
    fn from(error: SignInError) -> Self {
        let kind = match &error {
            SignInError::Wrong | SignInError::WrongPassword | SignInError::WrongCode | SignInError::WrongSetupLink => {
                ErrorKind::Forbidden
            }
            SignInError::Password(_) => ErrorKind::Invalid,
            SignInError::TooMany(TooMany(_)) | SignInError::Busy => ErrorKind::Busy,
            SignInError::Users(_) | SignInError::Expired => ErrorKind::Conflict,
            SignInError::SignInAgain => ErrorKind::Forbidden,
            SignInError::Oidc(_) => ErrorKind::Unavailable,
            SignInError::Vault(error) => return error.to_action_error(),
            SignInError::Unavailable(_) => ErrorKind::Storage,
        };
        Self::new(kind, error.message())
    }
}

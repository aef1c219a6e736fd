//! The users, as their admins manage them in the browser.

use super::{
    Auth, Caller, PasswordSignIn, SignInError, account::is_session, password::generated, sign_in::blocking,
    users::UsersError,
};
use crate::{
    message,
    model::{UserChange, UserInfo},
    wire::{ActionError, ErrorKind},
};

impl Auth {
    /// All users, by name.
    ///
    /// # Errors
    /// `Forbidden` without a session: API tokens don't manage users.
    pub fn users(&self, caller: &Caller) -> Result<Vec<UserInfo>, ActionError> {
        let (auth, _) = self.signed_in(caller)?;
        let users = auth.users.all().map_err(SignInError::Users)?;
        let info = |user: &super::users::User| {
            let credentials = auth.credentials.of(&user.name);
            let sessions = credentials.iter().filter(|it| is_session(it)).count();
            UserInfo {
                name: user.name.clone(),
                role: user.role,
                scope: user.effective_scope().cloned(),
                has_password: user.identity.is_none(),
                has_two_factor: user.second_factor.is_some(),
                sessions,
                tokens: credentials.len() - sessions,
                used: credentials.iter().map(|it| it.used).max(),
            }
        };
        Ok(users.iter().map(info).collect())
    }

    /// Changes a user. `password` is the caller's. Returns the generated password, if there is one: the only copy.
    ///
    /// # Errors
    /// `Forbidden` without a session, and for a wrong password; `Busy` after too many failed attempts; `Conflict` for the caller, a name that is taken or unknown, and the only admin.
    pub async fn change_user(
        &self,
        caller: &Caller,
        change: UserChange,
        password: String,
    ) -> Result<Option<String>, ActionError> {
        let (auth, session) = self.signed_in(caller)?;
        if change.name() == caller.name() {
            return Err(ActionError::new(ErrorKind::Conflict, message!("Another admin must change your user")));
        }
        auth.check_password(session, caller.address(), password).await?;
        let password = auth.change_user(change).await?;
        // Rather than with the next sweep.
        auth.end_revoked().await;
        Ok(password)
    }
}

impl PasswordSignIn {
    async fn change_user(&self, change: UserChange) -> Result<Option<String>, SignInError> {
        let users = self.users.clone();
        match change {
            UserChange::Add { name, role, scope } => {
                let password = generated();
                let user = self.new_user(&name, role, scope, password.clone()).await?;
                blocking(move || users.add(user)).await?;
                return Ok(Some(password));
            }
            UserChange::ResetPassword { name } => {
                let password = generated();
                let hash = self.hash(&name, password.clone()).await?;
                let now = self.clock.now();
                blocking(move || users.reset_password(&name, hash, now)).await?;
                return Ok(Some(password));
            }
            UserChange::ChangeRole { name, role, scope } => {
                blocking(move || users.update(&name, |it| (it.role, it.scope) = (role, scope))).await?;
            }
            UserChange::EndSessions { name } => {
                self.users.find(&name)?.ok_or_else(|| UsersError::NotFound(name.clone()))?;
                self.credentials.end(|it| it.user == name).await;
            }
            UserChange::Remove { name } => blocking(move || users.remove(&name)).await?,
        }
        Ok(None)
    }
}

//! Users of the password sign-in: a private file in the data directory.
//!
//! The server and `quaylight user` both change it. Each change locks the folder's lock file and starts from the file, and
//! replaces it atomically. A damaged file is an error, never an empty list: that would offer the setup link again.

use super::{
    oidc::{Identity, ProvidedUser},
    second_factor::SecondFactor,
};
use crate::{
    message,
    model::{AccessScope, Message, Role, Timestamp},
    server::private_files,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

const FILE: &str = "users.json";
const LOCK: &str = "users.lock";

/// In characters.
pub const LONGEST_NAME: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub name: String,
    pub role: Role,
    /// `None` for users who may see everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<AccessScope>,
    /// In PHC string format. Empty for users of an OpenID provider.
    pub password: String,
    /// At the OpenID provider that signs the user in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    pub created: Timestamp,
    /// When the password was last reset. API tokens that were created earlier are revoked.
    #[serde(default)]
    pub reset: Option<Timestamp>,
    /// `None` for users who sign in with the password alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<SecondFactor>,
}

impl User {
    pub fn with_password(
        name: String,
        role: Role,
        scope: Option<AccessScope>,
        password: String,
        created: Timestamp,
    ) -> Self {
        Self { name, role, scope, password, identity: None, created, reset: None, second_factor: None }
    }

    /// The scope that counts. One of a provider's user stays stored while the provider makes them an admin, who has none.
    pub fn effective_scope(&self) -> Option<&AccessScope> {
        self.scope.as_ref().filter(|_| self.role != Role::Admin)
    }

    /// Differs after each change of the password, the role or the scope. Sessions with another one are over.
    ///
    /// Not a time: a sign-in with the old password may end after the change.
    pub fn fingerprint(&self) -> String {
        let mut text = format!("{} {}", self.role.as_str(), self.password);
        if let Some(scope) = &self.scope {
            text += &serde_json::to_string(scope).expect("a scope serializes to JSON");
        }
        // Their password is empty, and another person may get the name of a removed user.
        if let Some(Identity { issuer, subject }) = &self.identity {
            text += &format!("{issuer} {subject} {}", self.created.millis());
        }
        let hash = digest(&SHA256, text.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(hash)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub enum UsersError {
    File(#[from] io::Error),
    Damaged(serde_json::Error),
    InvalidName,
    NameTaken(String),
    NotFound(String),
    PasswordChanged,
    HasTwoFactor,
    /// The user signs in with an OpenID provider.
    NoPassword,
    NoTwoFactor,
    /// Without one, no user could add others.
    OnlyAdmin,
    /// The first user must be one.
    NoAdminYet,
    /// An admin could remove the scope.
    AdminWithScope,
    InvalidScope,
}

impl UsersError {
    pub fn message(&self) -> Message {
        match self {
            Self::File(error) => message!("{file} couldn't be read or written: {error}", file = FILE, error),
            Self::Damaged(error) => {
                message!(
                    "{file} is damaged: {error}. Restore it from a backup.",
                    file = FILE,
                    error = error.to_string()
                )
            }
            Self::InvalidName => message!(
                "User names have 1 to {max} letters, digits, dots, dashes, underscores or @.",
                max = LONGEST_NAME
            ),
            Self::NameTaken(name) => message!("The user {name} already exists.", name),
            Self::NotFound(name) => message!("There is no user {name}.", name),
            Self::PasswordChanged => message!("The password was changed in the meantime."),
            Self::NoPassword => message!("Your sign-in provider manages your account."),
            Self::HasTwoFactor => message!("Two-factor authentication is already on."),
            Self::NoTwoFactor => message!("Two-factor authentication is already off."),
            Self::OnlyAdmin => message!("This is the only admin. Make another user an admin first."),
            Self::NoAdminYet => {
                message!("There are no users yet, and the first one must be an admin. Open the setup link.")
            }
            Self::AdminWithScope => {
                message!("Admins see all containers. Choose another role, or no projects and containers.")
            }
            Self::InvalidScope => message!("The list of projects or containers is too long."),
        }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Users(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    latest: Mutex<Latest>,
}

/// The file's content, and by which it is recognized. Without a file, no users.
#[derive(Default)]
struct Latest {
    stamp: Option<Stamp>,
    users: Arc<[User]>,
}

/// Differs after each change: of a replaced file, the inode.
#[derive(PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified: (i64, i64),
    length: u64,
}

impl From<Metadata> for Stamp {
    fn from(it: Metadata) -> Self {
        Self { inode: it.ino(), modified: (it.mtime(), it.mtime_nsec()), length: it.len() }
    }
}

impl Users {
    pub fn open(folder: &Path) -> Result<Self, UsersError> {
        let users = Self(Arc::new(Shared { folder: folder.to_owned(), latest: Mutex::default() }));
        users.all()?;
        Ok(users)
    }

    /// The users, by name. Reads the file if it has changed.
    pub fn all(&self) -> Result<Arc<[User]>, UsersError> {
        let Shared { folder, latest } = &*self.0;
        let stamp = match folder.join(FILE).metadata() {
            Ok(metadata) => Some(metadata.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.stamp != stamp {
            *latest = Latest { users: read(folder)?.into(), stamp };
        }
        Ok(latest.users.clone())
    }

    pub fn find(&self, name: &str) -> Result<Option<User>, UsersError> {
        Ok(self.all()?.iter().find(|it| it.name == name).cloned())
    }

    /// Adds a user. Blocks, like all changes.
    pub fn add(&self, user: User) -> Result<(), UsersError> {
        if !is_valid_name(&user.name) {
            return Err(UsersError::InvalidName);
        }
        check_scope(&user)?;
        self.change(|users| {
            if users.iter().any(|it| it.name.eq_ignore_ascii_case(&user.name)) {
                return Err(UsersError::NameTaken(user.name));
            }
            users.push(user);
            users.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(())
        })
    }

    /// Adds the first user. Fails if there are users, so that a setup link works once.
    pub fn add_first(&self, user: User) -> Result<(), UsersError> {
        if !is_valid_name(&user.name) {
            return Err(UsersError::InvalidName);
        }
        self.change(|users| match users.first() {
            Some(existing) => Err(UsersError::NameTaken(existing.name.clone())),
            None => {
                users.push(user);
                Ok(())
            }
        })
    }

    pub fn update<T>(&self, name: &str, change: impl FnOnce(&mut User) -> T) -> Result<T, UsersError> {
        self.change(|users| {
            let had_admin = has_admin(users);
            let user = users.iter_mut().find(|it| it.name == name);
            let user = user.ok_or_else(|| UsersError::NotFound(name.to_owned()))?;
            let returned = change(user);
            check_scope(user)?;
            keeps_admin(had_admin, users)?;
            Ok(returned)
        })
    }

    /// Sets a password that its user didn't choose. It signs in alone: the user may have lost the second factor, or the OpenID
    /// provider.
    pub fn reset_password(&self, name: &str, hash: String, now: Timestamp) -> Result<(), UsersError> {
        self.update(name, |it| {
            (it.password, it.reset, it.second_factor, it.identity) = (hash, Some(now), None, None);
        })
    }

    /// The user of an OpenID provider, who is added if unknown, and gets the role that the provider's groups give.
    pub fn provided(&self, provided: ProvidedUser, now: Timestamp) -> Result<User, UsersError> {
        let ProvidedUser { identity, name, role } = provided;
        self.change(|users| {
            if let Some(user) = users.iter_mut().find(|it| it.identity.as_ref() == Some(&identity)) {
                user.role = role;
                return Ok(user.clone());
            }
            if !is_valid_name(&name) {
                return Err(UsersError::InvalidName);
            }
            // The setup link would be void, and no one could manage users.
            if users.is_empty() && role != Role::Admin {
                return Err(UsersError::NoAdminYet);
            }
            if users.iter().any(|it| it.name.eq_ignore_ascii_case(&name)) {
                return Err(UsersError::NameTaken(name));
            }
            let user = User {
                name,
                role,
                scope: None,
                password: String::new(),
                identity: Some(identity),
                created: now,
                reset: None,
                second_factor: None,
            };
            users.push(user.clone());
            users.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(user)
        })
    }

    /// Fails if the user has one.
    pub fn add_second_factor(&self, name: &str, factor: SecondFactor) -> Result<(), UsersError> {
        self.update(name, |it| match it.second_factor {
            Some(_) => Err(UsersError::HasTwoFactor),
            None => {
                it.second_factor = Some(factor);
                Ok(())
            }
        })?
    }

    /// Fails if another change of the password came first.
    pub fn change_password(&self, changed: User, previous: &str) -> Result<(), UsersError> {
        self.change(|users| {
            let user = users.iter_mut().find(|it| it.name == changed.name && it.password == previous);
            user.ok_or(UsersError::PasswordChanged)?.password = changed.password;
            Ok(())
        })
    }

    pub fn remove(&self, name: &str) -> Result<(), UsersError> {
        self.change(|users| {
            let (count, had_admin) = (users.len(), has_admin(users));
            users.retain(|it| it.name != name);
            if users.len() == count {
                return Err(UsersError::NotFound(name.to_owned()));
            }
            keeps_admin(had_admin, users)
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<User>) -> Result<T, UsersError>) -> Result<T, UsersError> {
        let folder = &self.0.folder;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(folder.join(LOCK))?;
        // Until the file is closed.
        lock.lock()?;
        let mut users = read(folder)?;
        let returned = change(&mut users)?;
        let text = serde_json::to_vec_pretty(&users).map_err(UsersError::Damaged)?;
        private_files::replace(&folder.join(FILE), &text)?;
        Ok(returned)
    }
}

fn check_scope(user: &User) -> Result<(), UsersError> {
    match &user.scope {
        Some(_) if user.role == Role::Admin && user.identity.is_none() => Err(UsersError::AdminWithScope),
        Some(scope) if !scope.is_valid() => Err(UsersError::InvalidScope),
        _ => Ok(()),
    }
}

fn has_admin(users: &[User]) -> bool {
    users.iter().any(|it| it.role == Role::Admin)
}

/// A provider may leave none, which must not make other changes fail.
fn keeps_admin(had_admin: bool, users: &[User]) -> Result<(), UsersError> {
    if had_admin && !has_admin(users) { Err(UsersError::OnlyAdmin) } else { Ok(()) }
}

fn read(folder: &Path) -> Result<Vec<User>, UsersError> {
    match File::open(folder.join(FILE)) {
        Ok(file) => serde_json::from_reader(io::BufReader::new(file)).map_err(UsersError::Damaged),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn is_valid_name(name: &str) -> bool {
    let is_valid = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    (1..=LONGEST_NAME).contains(&name.chars().count()) && name.chars().all(is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, role: Role) -> User {
        let now = Timestamp::from_seconds(0);
        User::with_password(name.into(), role, None, String::new(), now)
    }

    #[test]
    fn the_setup_adds_one_user_and_one_admin_always_remains() {
        let folder = tempfile::tempdir().unwrap();
        let users = Users::open(folder.path()).unwrap();
        assert!(users.all().unwrap().is_empty());
        users.add_first(user("anna", Role::Admin)).unwrap();
        assert!(matches!(users.add_first(user("eve", Role::Admin)), Err(UsersError::NameTaken(_))));
        users.add(user("ben", Role::Viewer)).unwrap();
        assert!(matches!(users.add(user("Ben", Role::Viewer)), Err(UsersError::NameTaken(_))));
        for name in ["", "a b", "a/b", "<b>", &"a".repeat(65)] {
            assert!(matches!(users.add(user(name, Role::Viewer)), Err(UsersError::InvalidName)), "{name}");
        }
        assert!(matches!(users.remove("anna"), Err(UsersError::OnlyAdmin)));
        assert!(matches!(users.update("anna", |it| it.role = Role::Viewer), Err(UsersError::OnlyAdmin)));
        assert!(matches!(users.remove("eve"), Err(UsersError::NotFound(_))));
        users.update("ben", |it| it.role = Role::Admin).unwrap();
        users.remove("anna").unwrap();
        assert_eq!(users.all().unwrap().iter().map(|it| &*it.name).collect::<Vec<_>>(), ["ben"]);
        let mode = folder.path().join(FILE).metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn users_of_a_provider_are_recognized_by_their_identity() {
        let folder = tempfile::tempdir().unwrap();
        let users = Users::open(folder.path()).unwrap();
        let provided = |subject: &str, name: &str, role| {
            let identity = Identity { issuer: "https://id.example".into(), subject: subject.into() };
            users.provided(ProvidedUser { identity, name: name.into(), role }, Timestamp::from_seconds(0))
        };
        assert!(matches!(provided("1", "eve", Role::Operator), Err(UsersError::NoAdminYet)));
        users.add(user("anna", Role::Admin)).unwrap();
        for name in ["anna", "Anna"] {
            assert!(matches!(provided("1", name, Role::Admin), Err(UsersError::NameTaken(_))), "{name}");
        }
        assert!(matches!(provided("1", "<b>", Role::Admin), Err(UsersError::InvalidName)));
        let ben = provided("2", "ben", Role::Viewer).unwrap();
        assert_eq!((&*ben.name, &*ben.password, ben.role), ("ben", "", Role::Viewer));
        users.update("ben", |it| it.scope = AccessScope::parse("shop", "")).unwrap();
        let renamed = provided("2", "benjamin", Role::Operator).unwrap();
        assert!(renamed.name == "ben" && renamed.role == Role::Operator && renamed.scope.is_some());
        assert_ne!(renamed.fingerprint(), ben.fingerprint(), "another role ends the sessions");
        let promoted = provided("2", "not a valid name", Role::Admin).unwrap();
        assert!(promoted.scope.is_some() && promoted.effective_scope().is_none());
        users.update("ben", |_| ()).unwrap();
        assert!(provided("2", "ben", Role::Viewer).unwrap().effective_scope().is_some(), "it was kept");
        assert!(matches!(provided("3", "ben", Role::Viewer), Err(UsersError::NameTaken(_))), "another person");
        provided("2", "ben", Role::Admin).unwrap();
        users.remove("anna").unwrap();
        provided("2", "ben", Role::Viewer).unwrap();
        users.update("ben", |_| ()).expect("there is no admin, which is the provider's decision");
        users.reset_password("ben", "hash".into(), Timestamp::from_seconds(1)).unwrap();
        assert!(matches!(provided("2", "ben", Role::Admin), Err(UsersError::NameTaken(_))), "now with a password");
    }

    #[test]
    fn changes_of_another_process_are_seen_and_a_damaged_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (users, command) = (Users::open(folder.path()).unwrap(), Users::open(folder.path()).unwrap());
        command.add(user("anna", Role::Admin)).unwrap();
        assert!(users.find("anna").unwrap().is_some());
        std::fs::write(folder.path().join(FILE), "[{").unwrap();
        assert!(matches!(users.all(), Err(UsersError::Damaged(_))));
        assert!(matches!(users.add_first(user("eve", Role::Admin)), Err(UsersError::Damaged(_))));
        assert!(Users::open(folder.path()).is_err());
    }

    #[test]
    fn simultaneous_changes_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let users = Users::open(folder.path()).unwrap();
                scope.spawn(move || users.add(user(&format!("user{number}"), Role::Admin)).unwrap());
            }
        });
        assert_eq!(Users::open(folder.path()).unwrap().all().unwrap().len(), 8);
    }
}

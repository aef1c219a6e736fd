//! `quaylight user`: manages users without signing in, such as an admin who has forgotten the password. A running server applies
//! each change within seconds.

use super::{
    password::{Unacceptable, check_new, generated, hash},
    users::{User, Users, UsersError},
};
use crate::{
    model::{AccessScope, Role},
    server::clock::Clock,
};
use clap::{Args, Subcommand};
use std::{
    io::{self, Read},
    path::Path,
};

/// Manage the users who sign in with a password
#[derive(Args)]
pub struct UserCommand {
    #[command(subcommand)]
    action: UserAction,
}

#[derive(Subcommand)]
enum UserAction {
    /// List the users with their roles and the containers that they may see
    List,
    /// Add a user, and print the password
    Add {
        name: String,
        #[arg(long, value_parser = role, default_value = "viewer")]
        role: Role,
        #[command(flatten)]
        scope: ScopeArgs,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Set a new password and print it; turns off two-factor authentication, ends the user's sessions and revokes the API
    /// tokens
    Reset {
        name: String,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Change a user's role, and the containers that the user may see; ends the user's sessions
    Role {
        name: String,
        #[arg(value_parser = role)]
        role: Role,
        #[command(flatten)]
        scope: ScopeArgs,
        /// Let the user see all containers
        #[arg(long, conflicts_with_all = ["projects", "names"])]
        all_containers: bool,
    },
    /// Remove a user; ends the user's sessions
    Remove { name: String },
}

#[derive(Args)]
struct ScopeArgs {
    /// A Compose project whose containers the user may see (repeatable)
    #[arg(long = "project", value_name = "PROJECT")]
    projects: Vec<String>,
    /// A name of containers that the user may see, where * matches any text (repeatable)
    #[arg(long = "container", value_name = "NAME")]
    names: Vec<String>,
}

impl ScopeArgs {
    fn scope(self) -> Option<AccessScope> {
        AccessScope::parse(&self.projects.join(","), &self.names.join(","))
    }
}

#[derive(Args)]
struct NewPassword {
    /// Read the password from the standard input instead of generating one
    #[arg(long)]
    password_stdin: bool,
}

fn role(text: &str) -> Result<Role, String> {
    let all = Role::ALL.map(Role::as_str);
    let role = Role::ALL.into_iter().find(|role| role.as_str() == text);
    role.ok_or_else(|| format!("use one of: {}", all.join(", ")))
}

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("{0}")]
    Users(#[from] UsersError),
    #[error("can't read the password: {0}")]
    Input(#[from] io::Error),
    #[error("{0}")]
    Password(#[from] Unacceptable),
}

impl NewPassword {
    /// Returns the password for the user, and whether it was generated.
    fn read(&self, name: &str) -> Result<(String, bool), CommandError> {
        if !self.password_stdin {
            return Ok((generated(), true));
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        let password = text.trim_end_matches(['\r', '\n']);
        check_new(password, name)?;
        Ok((password.to_owned(), false))
    }
}

/// The user's name, role, scope and second factor, separated by tabs.
fn in_line(user: &User) -> String {
    let mut words = vec![user.name.clone(), user.role.as_str().to_owned()];
    if let Some(AccessScope { projects, names }) = &user.scope {
        let lists = [("projects", projects), ("containers", names)];
        words.extend(
            lists.iter().filter(|it| !it.1.is_empty()).map(|(what, list)| format!("{what} {}", list.join(", "))),
        );
    }
    words.extend(user.identity.as_ref().map(|it| format!("signs in at {}", it.issuer)));
    words.extend(user.second_factor.as_ref().map(|_| "two-factor authentication".to_owned()));
    words.join("\t")
}

/// Runs the command. Returns the lines to print.
pub fn run(command: UserCommand, data_dir: &Path) -> Result<Vec<String>, CommandError> {
    let users = Users::open(data_dir)?;
    let now = Clock::SYSTEM.now();
    let printed = |password: String, is_generated: bool| {
        if is_generated { vec![format!("Password: {password}")] } else { Vec::new() }
    };
    match command.action {
        UserAction::List => Ok(users.all()?.iter().map(in_line).collect()),
        UserAction::Add { name, role, scope, password } => {
            let (password, is_generated) = password.read(&name)?;
            let (scope, hash) = (scope.scope(), hash(&password));
            users.add(User::with_password(name, role, scope, hash, now))?;
            Ok(printed(password, is_generated))
        }
        UserAction::Reset { name, password } => {
            let (password, is_generated) = password.read(&name)?;
            let hash = hash(&password);
            users.reset_password(&name, hash, now)?;
            Ok(printed(password, is_generated))
        }
        UserAction::Role { name, role, scope, all_containers } => {
            let scope = scope.scope();
            users.update(&name, |it| {
                it.role = role;
                if scope.is_some() || all_containers {
                    it.scope = scope;
                }
            })?;
            Ok(Vec::new())
        }
        UserAction::Remove { name } => {
            users.remove(&name)?;
            Ok(Vec::new())
        }
    }
}

//! `quaylight user`: manages users without signing in, such as an admin who has forgotten the password. A running server applies
//! each change within seconds.

use super::{
    password::{LONGEST, SHORTEST, generated, hash},
    users::{User, Users, UsersError},
};
use crate::{model::Role, server::clock::Clock};
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
    /// List the users with their roles
    List,
    /// Add a user, and print the password
    Add {
        name: String,
        #[arg(long, value_parser = role, default_value = "viewer")]
        role: Role,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Set a new password and print it; ends the user's sessions and revokes the API tokens
    Reset {
        name: String,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Change a user's role; ends the user's sessions
    Role {
        name: String,
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Remove a user; ends the user's sessions
    Remove { name: String },
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
    #[error("passwords must have {SHORTEST} to {LONGEST} characters")]
    Password,
}

impl NewPassword {
    /// Returns the password, and whether it was generated.
    fn read(&self) -> Result<(String, bool), CommandError> {
        if !self.password_stdin {
            return Ok((generated(), true));
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        let password = text.trim_end_matches(['\r', '\n']);
        if !(SHORTEST..=LONGEST).contains(&password.chars().count()) {
            return Err(CommandError::Password);
        }
        Ok((password.to_owned(), false))
    }
}

/// Runs the command. Returns the lines to print.
pub fn run(command: UserCommand, data_dir: &Path) -> Result<Vec<String>, CommandError> {
    let users = Users::open(data_dir)?;
    let now = Clock::SYSTEM.now();
    let printed = |password: String, is_generated: bool| {
        if is_generated { vec![format!("Password: {password}")] } else { Vec::new() }
    };
    match command.action {
        UserAction::List => Ok(users.all()?.iter().map(|it| format!("{}\t{}", it.name, it.role.as_str())).collect()),
        UserAction::Add { name, role, password } => {
            let (password, is_generated) = password.read()?;
            users.add(User { name, role, password: hash(&password), created: now, reset: None })?;
            Ok(printed(password, is_generated))
        }
        UserAction::Reset { name, password } => {
            let (password, is_generated) = password.read()?;
            let hash = hash(&password);
            users.reset_password(&name, hash, now)?;
            Ok(printed(password, is_generated))
        }
        UserAction::Role { name, role } => {
            users.update(&name, |it| it.role = role)?;
            Ok(Vec::new())
        }
        UserAction::Remove { name } => {
            users.remove(&name)?;
            Ok(Vec::new())
        }
    }
}

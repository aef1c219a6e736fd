//! Files and folders that only their owner can read: the database, and the key of the secrets.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};
use tempfile::{NamedTempFile, PersistError};

/// Permissions for the owner alone, of files and of folders.
const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;

/// Permission bits of other users.
const OTHERS: u32 = 0o077;

/// Creates the folder if it is missing. An existing folder with nothing but our files is closed to other users; one that
/// contains other files stays as it is.
pub fn create_folder(folder: &Path, ours: &[&str]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(folder)?;
    if !is_open(folder) {
        return Ok(());
    }
    let is_ours = |name: &str| ours.iter().any(|our| name.starts_with(our));
    let mut names = fs::read_dir(folder)?.flatten().map(|entry| entry.file_name());
    if names.all(|name| name.to_str().is_some_and(is_ours)) {
        restrict_to(folder, FOLDER);
    } else {
        tracing::warn!("data directory is readable by other users: not restricted because it contains other files");
    }
    Ok(())
}

/// Creates the file if it is missing, readable only by its owner from the start. Closes an existing file to other users.
pub fn create(file: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(FILE).open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            restrict(file);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Creates a file with this content atomically: a killed process leaves no partial file. Fails if the file exists.
pub fn create_whole(file: &Path, content: &[u8]) -> io::Result<()> {
    write_whole(file, content, |written| written.persist_noclobber(file))
}

/// Creates the file with this content, or replaces it atomically.
pub fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    write_whole(file, content, |written| written.persist(file))
}

fn write_whole(
    file: &Path,
    content: &[u8],
    name: impl FnOnce(NamedTempFile) -> Result<File, PersistError>,
) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    // Its mode is 0600. It is removed if dropped before it has its final name.
    let mut written = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    written.write_all(content)?;
    written.as_file().sync_all()?;
    name(written).map_err(|error| error.error)?;
    // The directory entry, too, has to be on disk before anything depends on the file.
    File::open(folder)?.sync_all()
}

/// Closes a file to other users, if it is open to them.
pub fn restrict(file: &Path) {
    if is_open(file) {
        restrict_to(file, FILE);
    }
}

fn is_open(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.permissions().mode() & OTHERS != 0)
}

fn restrict_to(path: &Path, mode: u32) {
    if let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode))
        && error.kind() != io::ErrorKind::ReadOnlyFilesystem
    {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        tracing::warn!(%name, %error, "failed to change permissions: other users may be able to read stored data");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn own_folder_becomes_private_and_a_shared_folder_stays_unchanged() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path();
        create_folder(&folder.join("new"), &[]).unwrap();
        assert_eq!(mode(&folder.join("new")), 0o700);
        fs::set_permissions(folder.join("new"), Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("new/history.db"), "").unwrap();
        create_folder(&folder.join("new"), &["history."]).unwrap();
        assert_eq!(mode(&folder.join("new")), 0o700);
        fs::set_permissions(folder.join("new"), Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("new/of-another-user"), "").unwrap();
        create_folder(&folder.join("new"), &["history."]).unwrap();
        assert_eq!(mode(&folder.join("new")), 0o755);
    }

    #[test]
    fn created_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        create_whole(&file, b"one").unwrap();
        assert_eq!((mode(&file), fs::read(&file).unwrap()), (0o600, b"one".to_vec()));
        assert_eq!(create_whole(&file, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&file).unwrap(), fs::read_dir(&folder).unwrap().count()), (b"one".to_vec(), 1));
    }
}

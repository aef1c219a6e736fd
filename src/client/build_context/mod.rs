//! Build context: a folder chosen in the browser, without the files its `.dockerignore` excludes, as one tar archive.
//!
//! The tar is a Blob of headers and of the files themselves. The browser reads a file when it sends it, so no file
//! content is in the page's memory. Each file costs half a kilobyte of memory, which is why the number of files is
//! limited.

mod ignore;
mod tar;

use ignore::Ignore;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, FileList};

pub const MOST_FILES: usize = 50_000;

pub const DOCKERFILE: &str = "Dockerfile";

/// The chosen folder: each file with its path relative to the folder's root.
pub struct ChosenFolder(Vec<(String, File)>);

/// Summary of a build context with its Dockerfile at a given path, before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextSummary {
    pub files: usize,
    pub bytes: u64,
    /// Files excluded by `.dockerignore`.
    pub ignored: usize,
    /// The Dockerfile's text, or `None` if it doesn't exist.
    pub dockerfile: Option<String>,
}

impl ChosenFolder {
    /// Returns `None` if no folder is chosen. A browser represents a folder only by the files in it.
    pub fn of(files: Option<FileList>) -> Option<Self> {
        let files = files?;
        let all: Vec<_> =
            (0..files.length()).filter_map(|at| files.get(at)).map(|file| (path_of(&file), file)).collect();
        (!all.is_empty()).then_some(Self(all))
    }

    pub async fn summary(&self, dockerfile: &str) -> ContextSummary {
        let sent = self.sent(dockerfile).await;
        let text = match sent.iter().find(|(path, _)| path == dockerfile) {
            Some((_, file)) => Some(text_of(file).await),
            None => None,
        };
        ContextSummary {
            files: sent.len(),
            bytes: sent.iter().map(|(_, file)| size_of(file)).sum(),
            ignored: self.0.len() - sent.len(),
            dockerfile: text,
        }
    }

    /// Returns the tar archive. The Dockerfile is its first entry.
    pub async fn tar(&self, dockerfile: &str) -> Result<Blob, JsValue> {
        let mut sent = self.sent(dockerfile).await;
        sent.sort_by_key(|(path, _)| path != dockerfile);
        let parts = Array::new();
        for (path, file) in sent {
            let size = size_of(file);
            let modified = (file.last_modified() / 1000.0).max(0.0) as u64;
            parts.push(&Uint8Array::from(&*tar::header(path, size, modified)));
            parts.push(file);
            parts.push(&Uint8Array::new_with_length(u32::try_from(tar::padding(size)).unwrap_or(0)));
        }
        parts.push(&Uint8Array::from(&tar::END[..]));
        Blob::new_with_blob_sequence(&parts)
    }

    /// The builder needs the Dockerfile and the ignore file, even if the ignore file excludes them.
    async fn sent(&self, dockerfile: &str) -> Vec<&(String, File)> {
        let own_list = format!("{dockerfile}.dockerignore");
        let find = |wanted: &str| self.0.iter().find(|(path, _)| path == wanted).map(|(_, file)| file);
        let list = find(&own_list).or_else(|| find(".dockerignore"));
        let ignore = match list {
            Some(file) => Ignore::read(&text_of(file).await),
            None => Ignore::default(),
        };
        let is_needed = |path: &str| path == dockerfile || path == ".dockerignore" || path == own_list;
        self.0.iter().filter(|(path, _)| is_needed(path) || !ignore.excludes(path)).collect()
    }
}

fn path_of(file: &File) -> String {
    let path =
        Reflect::get(file, &"webkitRelativePath".into()).ok().and_then(|path| path.as_string()).unwrap_or_default();
    // The path starts with the folder's own name.
    path.split_once('/').map_or_else(|| file.name(), |(_, path)| path.to_owned())
}

fn size_of(file: &File) -> u64 {
    file.size() as u64
}

/// Returns an empty text if the file can't be read: sending it fails later, with an error.
async fn text_of(file: &File) -> String {
    JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string()).unwrap_or_default()
}

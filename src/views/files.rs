//! File browser of a container or volume: list folders, view files, download and upload.

use super::{
    DOWNLOAD_FORM, Site, format,
    lazy::lazy_code,
    may,
    on_demand::OnDemand,
    panels::TasksOpen,
    upload::{encoded, file_of, send_file},
    widgets::{Ago, Icon, Search, boxed, on_click},
};
use crate::{
    client::{ErasedMemo, Level, Toasts, effect, erased_memo, t},
    model::{FileEntry, FileKind, FilePath, FileText, FilesOf, Folder, Found, HostId, Permission},
    queries::files::files,
};
use leptos::{ev::MouseEvent, html, prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;
use web_sys::Event;

/// Maximum number of rows drawn. To find more, the user searches.
const DRAWN: usize = 500;

/// The container or volume whose files are shown, and the page's address up to the path in it: `/volumes/data?`.
#[derive(Clone)]
pub struct FilesLocation {
    pub host: HostId,
    pub of: FilesOf,
    pub page: String,
}

impl FilesLocation {
    fn at(&self, path: &FilePath) -> String {
        format!("{}path={}", self.page, encoded(path.as_str()))
    }

    /// The address of the file itself, or of the folder as a tar.
    fn file(&self, path: &FilePath) -> String {
        let (noun, id) = match &self.of {
            FilesOf::Container(id) => ("containers", id.as_str()),
            FilesOf::Volume(name) => ("volumes", name.as_str()),
        };
        let path = encoded(path.as_str());
        Site::expect().page(&format!("/api/{noun}/{id}/files?host={}&path={path}", self.host))
    }

    /// For a container a link, which only reads. For a volume the page's download form, because the server creates a container.
    fn download(
        &self,
        path: &FilePath,
        (class, label): (&'static str, Option<String>),
        inner: AnyView,
        press: impl FnMut(MouseEvent) + 'static,
    ) -> AnyView {
        if let FilesOf::Volume(name) = &self.of {
            let address = format!("/api/volumes/{name}/download?host={}&path={}", self.host, encoded(path.as_str()));
            let address = Site::expect().page(&address);
            view! {
                <button class=class aria-label=label form=DOWNLOAD_FORM formaction=address on:click=on_click(press)>
                    {inner}
                </button>
            }
            .into_any()
        } else {
            view! {
                <a class=class aria-label=label href=self.file(path) download="" on:click=on_click(press)>
                    {inner}
                </a>
            }
            .into_any()
        }
    }
}

lazy_code!(pub(super) FILES in log: files_part());

fn files_part() -> AnyView {
    let shelf = expect_context::<FilesLocation>();
    let asked = OnDemand::<Found>::new();
    let path = path_of_address();
    let words = RwSignal::new(String::new());
    let again = {
        let shelf = shelf.clone();
        move || asked.ask(files(shelf.host.clone(), shelf.of.clone(), path.get_untracked()))
    };
    {
        let again = again.clone();
        effect(move || {
            path.track();
            words.set(String::new());
            asked.forget();
            again();
        });
    }
    let bar = {
        let shelf = shelf.clone();
        boxed(move || bar(&shelf, &path.get()))
    };
    let draw = move |found: &Found| match found {
        Found::Folder(folder) => folder_view(&shelf, folder, words, again.clone()),
        Found::File(file) => file_view(&shelf, file),
    };
    view! {
        <section class="inside files" aria-label=t("Files")>
            {bar}
            {asked.draw("Couldn't read it", draw)}
        </section>
    }
    .into_any()
}

fn path_of_address() -> ErasedMemo<FilePath> {
    let address = use_query_map();
    erased_memo(move || {
        let said = address.with(|address| address.get("path")).unwrap_or_default();
        FilePath::new(&said).unwrap_or_else(|_| FilePath::root())
    })
}

/// Breadcrumbs: each folder of the path as a link.
fn bar(shelf: &FilesLocation, path: &FilePath) -> AnyView {
    let step = |it: FilePath| {
        let current = (it == *path).then_some("page");
        let name = if it.is_root() { "/".to_owned() } else { it.name().to_owned() };
        view! { <li><a href=shelf.at(&it) aria-current=current>{name}</a></li> }.into_any()
    };
    let steps: Vec<_> = path.way().map(step).collect();
    view! { <nav class="way" aria-label=t("Path")><ol>{steps}</ol></nav> }.into_any()
}

/// The actions on a folder. Choosing a file uploads it at once.
fn acts(shelf: &FilesLocation, folder: &FilePath, again: impl Fn() + Clone + 'static) -> AnyView {
    let (toasts, tasks) = (expect_context::<Toasts>(), expect_context::<TasksOpen>().0);
    let is_busy = RwSignal::new(false);
    let address = shelf.file(folder);
    let field = NodeRef::<html::Input>::new();
    let chosen = move |event: Event| {
        let Some(input) = event.target().and_then(|it| wasm_bindgen::JsCast::dyn_into(it).ok()) else { return };
        let Some(file) = file_of(&input) else { return };
        let (address, again) = (format!("{address}&name={}", encoded(&file.name())), again.clone());
        is_busy.set(true);
        spawn_local(async move {
            let sent = send_file(&address, &file).await;
            let is_gone = is_busy.try_set(false).is_some();
            // Reset, so that choosing the same file again fires a change event.
            input.set_value("");
            match sent {
                Ok(()) => toasts.show(Level::Ok, crate::t!("Uploaded {}", file.name()), None),
                Err(error) => toasts.failed(t("The upload failed"), &error),
            }
            if !is_gone {
                again();
            }
        });
    };
    let inner = view! { <Icon name="download" /> <span>{t("Download as tar archive")}</span> }.into_any();
    let is_volume = matches!(shelf.of, FilesOf::Volume(_));
    let download = (!is_volume || may(Permission::Write))
        .then(|| shelf.download(folder, ("button", None), inner, move |_| tasks.set(true)));
    let press = move |_: MouseEvent| {
        if let Some(field) = field.get_untracked() {
            field.click();
        }
    };
    let upload = may(Permission::Write).then(|| {
        view! {
            <button class="button" disabled=boxed(move || is_busy.get()) on:click=on_click(press)>
                <Icon name="import" />
                <span>{boxed(move || t(if is_busy.get() { "Uploading…" } else { "Upload a file" }).to_owned())}</span>
            </button>
            <input type="file" hidden aria-label=t("File to upload") node_ref=field on:change=on_click(chosen) />
        }
        .into_any()
    });
    view! {
            {upload}
            {download}
    }
    .into_any()
}

fn folder_view(
    shelf: &FilesLocation,
    folder: &Folder,
    words: RwSignal<String>,
    again: impl Fn() + Clone + 'static,
) -> AnyView {
    let acts = acts(shelf, &folder.path, again);
    let Folder { path, entries, is_whole } = folder.clone();
    let shelf = shelf.clone();
    let all = entries.len();
    let warned = (!is_whole).then(|| {
        let words = t("Incomplete listing: the container is stopped, so files are read one by one, and reading timed out. Start the container to see everything.");
        view! { <p class="failed" role="status">{words}</p> }.into_any()
    });
    let table = boxed(move || {
        let wanted = words.with(|it| it.to_lowercase());
        let found: Vec<_> = entries.iter().filter(|it| it.name.to_lowercase().contains(&wanted)).collect();
        let rows: Vec<_> = found.iter().take(DRAWN).map(|it| row(&shelf, &path, it)).collect();
        let more = found.len().saturating_sub(DRAWN);
        let count = match (all, found.len()) {
            (0, _) => t("This folder is empty").to_owned(),
            (all, found) if all == found => format::count(all, ["{} item", "{} items"]),
            (all, found) => crate::t!("{} of {} items", found, all),
        };
        let more = (more > 0)
            .then(|| view! { <p class="quiet">{crate::t!("and {} more. Search to find them", more)}</p> }.into_any());
        let head = (all > 0).then(|| {
            view! {
                <thead>
                    <tr>
                        <th scope="col">{t("Name")}</th>
                        <th scope="col" class="number">{t("Size")}</th>
                        <th scope="col" class="when">{t("Modified")}</th>
                        <th scope="col" class="mode">{t("Permissions")}</th>
                        <th scope="col"><span class="heard">{t("Download")}</span></th>
                    </tr>
                </thead>
            }
            .into_any()
        });
        view! {
            <p class="quiet" role="status">{count}</p>
            <table class="plain listing">{head}<tbody>{rows}</tbody></table>
            {more}
        }
        .into_any()
    });
    let search = (all > 0).then(|| {
        view! { <Search what=t("names") value=words on_input=Box::new(move |it| words.set(it)) /> }.into_any()
    });
    view! { <div class="tools">{search} {acts}</div> {warned} {table} }.into_any()
}

fn row(shelf: &FilesLocation, folder: &FilePath, entry: &FileEntry) -> AnyView {
    let path = Some(entry).filter(|it| it.is_reachable()).and_then(|it| folder.child(&it.name).ok());
    let icon = match entry.kind {
        FileKind::Folder => "folder",
        FileKind::File => "file",
        FileKind::Link => "link",
        FileKind::Special => "special",
    };
    let leads_on = path.as_ref().filter(|_| entry.kind != FileKind::Special);
    let name = match leads_on {
        Some(path) => view! { <a href=shelf.at(path)>{entry.name.clone()}</a> }.into_any(),
        None => entry.name.clone().into_any(),
    };
    let target = entry.target.as_ref().map(|it| view! { <span class="quiet">{format!(" → {it}")}</span> }.into_any());
    let size = (entry.kind == FileKind::File).then(|| size(entry.size));
    let download = path.filter(|_| matches!(entry.kind, FileKind::File | FileKind::Folder)).map(|path| {
        let title = crate::t!("Download {}", entry.name);
        shelf.download(
            &path,
            ("button square bare", Some(title)),
            view! { <Icon name="download" /> }.into_any(),
            |_| (),
        )
    });
    view! {
        <tr data-file=icon data-name=entry.name.clone()>
            <td class="path"><Icon name=icon /> <span>{name} {target}</span></td>
            <td class="number">{size}</td>
            <td class="when"><Ago time=entry.modified /></td>
            <td class="mode">{entry.permissions()}</td>
            <td class="act">{download}</td>
        </tr>
    }
    .into_any()
}

fn size(bytes: u64) -> String {
    let (number, unit) = format::bytes(bytes);
    format!("{number} {unit}")
}

fn file_view(shelf: &FilesLocation, file: &FileText) -> AnyView {
    let cut = (file.is_cut && file.text.is_some()).then(|| {
        view! { <p class="quiet">{t("Showing the beginning of the file. Download it to see the rest.")}</p> }.into_any()
    });
    let inner = view! { <Icon name="download" /> <span>{t("Download")}</span> }.into_any();
    let download = shelf.download(&file.path, ("button", None), inner, |_| ());
    let text = match &file.text {
        Some(text) if text.is_empty() => view! { <p class="quiet">{t("The file is empty.")}</p> }.into_any(),
        Some(text) => view! { <pre tabindex="0">{text.clone()}</pre> }.into_any(),
        None => view! { <p class="quiet">{t("Binary file. Download it to view its contents.")}</p> }.into_any(),
    };
    view! {
        <div class="acts">
            {download}
            <p class="quiet">{size(file.size)} {t(", modified ")} <Ago time=file.modified /></p>
        </div>
        {text}
        {cut}
    }
    .into_any()
}

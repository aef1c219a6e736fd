//! Puts the site's files into the server's release build, each beside its brotli form.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "ssr")]
    embed::run();
}

#[cfg(feature = "ssr")]
mod embed {
    use std::{
        env, fs,
        hash::{DefaultHasher, Hash, Hasher},
        io::Write,
        path::{Path, PathBuf},
    };

    const SITE: &str = "target/site";

    pub(super) fn run() {
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        let mut files = Vec::new();
        if env::var("PROFILE").as_deref() == Ok("release") {
            println!("cargo::rerun-if-changed={SITE}");
            collect(Path::new(SITE), &mut files);
            files.sort();
        }
        let mut all = DefaultHasher::new();
        let mut list = String::new();
        for (number, file) in files.iter().enumerate() {
            let content = fs::read(file).expect("the file was just listed");
            content.hash(&mut all);
            let mut hasher = DefaultHasher::new();
            content.hash(&mut hasher);
            let (plain, brotli) = (out.join(format!("{number}")), out.join(format!("{number}.br")));
            fs::write(&plain, &content).expect("OUT_DIR can be written");
            fs::write(&brotli, compressed(file, &content)).expect("OUT_DIR can be written");
            let path = file.strip_prefix(SITE).expect("it was found there").to_string_lossy().replace('\\', "/");
            list.push_str(&format!(
                "    Asset {{ path: {path:?}, etag: \"\\\"{:016x}\\\"\", content: include_bytes!({plain:?}), brotli: include_bytes!({brotli:?}) }},\n",
                hasher.finish()
            ));
        }
        let version = all.finish();
        let source = format!("static ASSETS: &[Asset] = &[\n{list}];\nstatic VERSION: &str = \"{version:016x}\";\n");
        fs::write(out.join("assets.rs"), source).expect("OUT_DIR can be written");
    }

    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, files);
            } else {
                files.push(path);
            }
        }
    }

    /// Empty for what is compressed already.
    fn compressed(file: &Path, content: &[u8]) -> Vec<u8> {
        if matches!(file.extension().and_then(|it| it.to_str()), Some("woff2" | "png" | "ico")) {
            return Vec::new();
        }
        let mut compressed = Vec::new();
        let mut writer = brotli::CompressorWriter::new(&mut compressed, 1 << 16, 11, 22);
        writer.write_all(content).expect("writing to memory");
        drop(writer);
        compressed
    }
}

//! Headers of a tar archive (GNU format), for files whose contents the browser adds.
//!
//! The tar crate writes headers and contents in one go. Here the content is a file that the browser reads when it sends
//! it.

const BLOCK: usize = 512;

/// The longest name that fits in the header. A longer one precedes it in a separate entry.
const LONGEST_NAME: usize = 100;

/// End of the archive: two blocks of zeros.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Returns the bytes that precede a file's content. A browser does not report file permissions, so all files are
/// executable, as in the contexts that Docker creates on Windows.
pub fn header(path: &str, size: u64, modified_seconds: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BLOCK);
    if path.len() > LONGEST_NAME {
        let name = [path.as_bytes(), &[0]].concat();
        bytes.extend(block(b"././@LongLink", name.len() as u64, 0, b'L'));
        bytes.extend(&name);
        bytes.resize(bytes.len() + padding(name.len() as u64), 0);
    }
    let short = &path.as_bytes()[..path.len().min(LONGEST_NAME)];
    bytes.extend(block(short, size, modified_seconds, b'0'));
    bytes
}

/// Returns the zeros that follow a content of that size.
pub fn padding(size: u64) -> usize {
    let over = size % BLOCK as u64;
    if over == 0 { 0 } else { BLOCK - usize::try_from(over).expect("less than a block") }
}

fn block(name: &[u8], size: u64, modified_seconds: u64, kind: u8) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name);
    octal(&mut block[100..108], 0o755);
    octal(&mut block[108..116], 0);
    octal(&mut block[116..124], 0);
    number(&mut block[124..136], size);
    number(&mut block[136..148], modified_seconds);
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar  \0");
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    octal(&mut block[148..155], sum);
    block
}

/// Writes an octal number that ends with a zero byte.
fn octal(field: &mut [u8], value: u64) {
    let width = field.len() - 1;
    field[..width].copy_from_slice(format!("{value:0width$o}").as_bytes());
    field[width] = 0;
}

/// Writes the number in binary if it exceeds eleven octal digits (files of 8 GiB and more).
fn number(field: &mut [u8], value: u64) {
    if value < 1 << 33 {
        return octal(field, value);
    }
    field.fill(0);
    field[0] = 0x80;
    field[4..].copy_from_slice(&value.to_be_bytes());
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn archive_is_readable_by_the_tar_crate() {
        let long = format!("{}/한글 file", "folder/".repeat(40));
        let exactly = "x".repeat(LONGEST_NAME);
        let files = [("Dockerfile", "FROM a\n"), (&*long, "content"), ("empty", ""), (&*exactly, &"y".repeat(BLOCK))];
        let mut tar = Vec::new();
        for (path, content) in files {
            tar.extend(header(path, content.len() as u64, 1_700_000_000));
            tar.extend(content.as_bytes());
            tar.resize(tar.len() + padding(content.len() as u64), 0);
        }
        tar.extend(END);
        let mut read = Vec::new();
        for entry in ::tar::Archive::new(&*tar).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            assert_eq!((entry.header().mode().unwrap(), entry.header().mtime().unwrap()), (0o755, 1_700_000_000));
            read.push((entry.path().unwrap().to_string_lossy().into_owned(), content));
        }
        assert_eq!(read, files.map(|(path, content)| (path.to_owned(), content.to_owned())));
    }

    #[test]
    fn tar_size_above_the_octal_limit_is_encoded_in_binary() {
        for size in [0, (1 << 33) - 1, 1 << 33, 5 << 40] {
            let bytes = header("large", size, 0);
            assert_eq!(::tar::Header::from_byte_slice(&bytes).entry_size().unwrap(), size);
        }
    }
}

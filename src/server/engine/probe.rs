//! Probe: a container that does nothing, whose lifecycle a self-test runs through.
//!
//! Nothing is pulled for it: its image contains one program of a few instructions that waits forever.

use super::{EngineError, OwnKind, WritableEngine, calls::ACT_TIMEOUT};
use crate::{
    message,
    model::{ContainerAction, ContainerId},
};
use bollard::{
    body_full,
    models::{ContainerCreateBody, HostConfig},
    query_parameters as query,
};
use futures::TryStreamExt;
use std::collections::HashMap;
use tokio::time::timeout;

/// Label for users to see. The ledger of [`super::OwnContainers`] decides what Quaylight removes.
const LABEL: &str = "quaylight.probe";

const IMAGE: &str = "quaylight-probe:1";
const PROGRAM: &str = "wait";

impl WritableEngine {
    /// Creates a probe. `arch` is the engine's architecture, as it reports it.
    pub async fn create_probe(&self, name: &str, arch: &str) -> Result<ContainerId, EngineError> {
        timeout(ACT_TIMEOUT, self.make_probe(name, arch)).await.map_err(|_| EngineError::Timeout)?
    }

    async fn make_probe(&self, name: &str, arch: &str) -> Result<ContainerId, EngineError> {
        let docker = self.docker()?;
        if self.image(IMAGE).await?.is_none() {
            let tar = image(arch)?;
            let (repo, tag) = IMAGE.split_once(':').expect("the image name has a tag");
            let options = query::CreateImageOptionsBuilder::new().from_src("-").repo(repo).tag(tag).build();
            docker.create_image(Some(options), Some(body_full(tar.into())), None).try_collect::<Vec<_>>().await?;
        }
        let options = query::CreateContainerOptionsBuilder::new().name(name).build();
        let config = ContainerCreateBody {
            image: Some(IMAGE.to_owned()),
            cmd: Some(vec![format!("/{PROGRAM}")]),
            labels: Some(HashMap::from([(LABEL.to_owned(), "true".to_owned())])),
            // The program handles no signal, and the first process of a container ignores signals it doesn't handle.
            stop_signal: Some("SIGKILL".to_owned()),
            host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..Default::default() }),
            ..Default::default()
        };
        let created = docker.create_container(Some(options), config).await?;
        let id = ContainerId::new(&created.id).map_err(|error| EngineError::Malformed(error.to_string()))?;
        self.own.add(&self.host, &id, OwnKind::Probe);
        Ok(id)
    }

    /// Removes a probe, and its image unless another probe needs it.
    pub(super) async fn remove_probe(&self, id: &ContainerId) -> Result<(), EngineError> {
        self.act_on_container(id, ContainerAction::Remove { force: true, volumes: true }).await?;
        let docker = self.docker()?;
        let remove = async { Ok(docker.remove_image(IMAGE, None::<query::RemoveImageOptions>, None).await?) };
        match timeout(ACT_TIMEOUT, remove).await.unwrap_or(Err(EngineError::Timeout)) {
            Ok(_) | Err(EngineError::Refused { status: 404 | 409, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Creates the image's file system as a tar, which contains only the program.
fn image(arch: &str) -> Result<Vec<u8>, EngineError> {
    let program = match arch {
        "x86_64" | "amd64" => elf(62, &X86_64),
        "aarch64" | "arm64" => elf(183, &AARCH64),
        _ => {
            return Err(EngineError::refused(501, message!("self-test isn't available for architecture {arch}", arch)));
        }
    };
    let mut header = tar::Header::new_ustar();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(Vec::new());
    let written = archive.append_data(&mut header, PROGRAM, program.as_slice()).and_then(|()| archive.into_inner());
    written.map_err(|error| EngineError::Malformed(error.to_string()))
}

/// `again: mov eax, 34 (pause); syscall; jmp again`
const X86_64: [u8; 9] = [0xb8, 0x22, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7];

/// `again: mov x8, 73 (ppoll); mov x0, 0; mov x1, 0; mov x2, 0; mov x3, 0; svc 0; b again`
const AARCH64: [u8; 28] = [
    0x28, 0x09, 0x80, 0xd2, 0, 0, 0x80, 0xd2, 0x01, 0, 0x80, 0xd2, 0x02, 0, 0x80, 0xd2, 0x03, 0, 0x80, 0xd2, 0x01, 0,
    0, 0xd4, 0xfa, 0xff, 0xff, 0x17,
];

/// Creates a static little-endian 64-bit ELF program: file header, one segment that spans the whole file, code.
fn elf(machine: u16, code: &[u8]) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    let size = HEADERS + code.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut put = |bytes: &[u8]| file.extend_from_slice(bytes);
    // Executable, machine, version.
    put(&2u16.to_le_bytes());
    put(&machine.to_le_bytes());
    put(&1u32.to_le_bytes());
    // Entry point, offset of the program headers, no sections.
    [BASE + HEADERS, 64, 0].iter().for_each(|it| put(&it.to_le_bytes()));
    put(&0u32.to_le_bytes());
    // Sizes and counts of the headers.
    [64u16, 56, 1, 0, 0, 0].iter().for_each(|it| put(&it.to_le_bytes()));
    // Loadable, readable and executable segment: maps the file from its start to BASE.
    [1u32, 5].iter().for_each(|it| put(&it.to_le_bytes()));
    [0, BASE, BASE, size, size, 0x1000].iter().for_each(|it: &u64| put(&it.to_le_bytes()));
    put(code);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probe_image_contains_only_a_static_executable() {
        let program = elf(62, &X86_64);
        assert_eq!((program.len(), &program[..4]), (129, &b"\x7fELF"[..]));
        let tar = image("x86_64").unwrap();
        let mut archive = tar::Archive::new(tar.as_slice());
        let names: Vec<_> = archive.entries().unwrap().map(|it| it.unwrap().path().unwrap().into_owned()).collect();
        assert_eq!(names, [std::path::Path::new(PROGRAM)]);
        assert!(image("pdp11").is_err());
    }
}

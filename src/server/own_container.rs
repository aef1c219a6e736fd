//! Id of the container that Quaylight itself runs in.

use crate::model::ContainerId;

/// `None` if it runs on the host.
pub fn id() -> Option<ContainerId> {
    std::fs::read_to_string("/proc/self/mountinfo").ok().as_deref().and_then(id_in)
}

/// Docker and Podman mount a file over the container's `/etc/hostname`. Its folder is named by the container's id.
fn id_in(mounts: &str) -> Option<ContainerId> {
    mounts.lines().find_map(|line| {
        // Fields of mountinfo: mount id, parent id, device, root, mount point.
        let mut fields = line.split(' ').skip(3);
        let (root, mounted_at) = (fields.next()?, fields.next()?);
        let is_id = |part: &&str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = root.split('/').rfind(is_id).filter(|_| mounted_at == "/etc/hostname")?;
        ContainerId::new(id).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_container_id_is_read_from_its_mounts() {
        let id = "0123456789abcdef".repeat(4);
        for root in [
            format!("/var/lib/docker/containers/{id}/hostname"),
            format!("/containers/overlay-containers/{id}/userdata/hostname"),
        ] {
            let mounts = format!(
                "1065 1064 0:52 / / rw,relatime - overlay overlay rw,lowerdir=/x/{}\n\
                 1074 1065 254:1 {root} /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n",
                "f".repeat(64)
            );
            assert_eq!(id_in(&mounts).unwrap().as_str(), id);
        }
        assert_eq!(id_in("25 1 254:1 / / rw - ext4 /dev/vda1 rw\n26 25 0:5 / /dev rw - devtmpfs dev rw"), None);
        assert_eq!(id_in(&format!("1 2 0:1 /containers/{id}/data /data rw - ext4 /dev/vda1 rw")), None);
    }
}

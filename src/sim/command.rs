//! The `quaylight sim` command: its flags and its run loop.

use super::{Options, Place, Sim, churn};
use std::{future::Future, io, net::SocketAddr, path::PathBuf, time::Duration};

/// Simulate an engine: serve Docker's HTTP API on a socket, without Docker
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Flags {
    /// Listen on a Unix socket
    #[arg(long, value_name = "PATH", required_unless_present = "listen", conflicts_with = "listen")]
    socket: Option<PathBuf>,
    /// Listen on a TCP address
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Initial number of containers
    #[arg(long, value_name = "N", default_value_t = 40)]
    containers: usize,
    /// Minimum number of images
    #[arg(long, value_name = "N", default_value_t = 20)]
    images: usize,
    /// Random changes per second, for example 20/s
    #[arg(long, value_name = "RATE", default_value = "0/s", value_parser = churn::rate)]
    churn: f64,
    /// Random seed; the same seed creates the same containers
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Milliseconds for which the engine holds the container's lock after `die`
    #[arg(long, value_name = "MS", default_value_t = 60)]
    lock_ms: u64,
}

impl From<Flags> for Options {
    fn from(flags: Flags) -> Self {
        let place = flags.socket.map(Place::Socket).or(flags.listen.map(Place::Address));
        Self {
            place: place.unwrap_or(Self::default().place),
            containers: flags.containers,
            images: flags.images,
            seed: flags.seed,
            churn: flags.churn,
            lock: Duration::from_millis(flags.lock_ms),
        }
    }
}

/// Simulates until `shutdown` completes. Passes the line with the simulator's URL to `announce`.
pub async fn run(flags: Flags, announce: impl FnOnce(&str), shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let running = Sim::start(flags.into()).await?;
    announce(&format!("The simulator answers at {}", running.url()));
    shutdown.await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    /// Mirrors the real command line, which has a global setting of the same name.
    #[derive(Parser)]
    struct CommandLine {
        #[command(subcommand)]
        command: Command,
        #[arg(long, global = true)]
        listen: Option<SocketAddr>,
    }

    #[derive(clap::Subcommand)]
    enum Command {
        Sim(Flags),
    }

    fn options(flags: &[&str]) -> Option<Options> {
        let line = CommandLine::try_parse_from([&["quaylight", "sim"], flags].concat()).ok()?;
        let Command::Sim(flags) = line.command;
        assert_eq!(line.listen, flags.listen);
        Some(flags.into())
    }

    #[test]
    fn exactly_one_of_socket_and_listen_address_is_required() {
        let socket = options(&["--socket", "/tmp/x.sock", "--containers", "9"]).unwrap();
        assert_eq!((socket.place, socket.containers), (Place::Socket("/tmp/x.sock".into()), 9));
        let address = options(&["--listen", "127.0.0.1:2375", "--lock-ms", "0"]).unwrap();
        let expected = Place::Address(([127, 0, 0, 1], 2375).into());
        assert_eq!((address.place, address.lock), (expected, Duration::ZERO));
        assert!(options(&[]).is_none());
        assert!(options(&["--socket", "/x", "--listen", "127.0.0.1:1"]).is_none());
    }
}

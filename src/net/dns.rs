//! Names to addresses, on a pool of their own: the system's resolver waits for seconds when a server is silent.

use std::{io, net, vec};

use super::SocketAddr;
use crate::sched::blocking::Pool;

static POOL: Pool = Pool::new("sward-dns", 64);

pub(super) fn look_up(host: &str, port: u16) -> io::Result<vec::IntoIter<SocketAddr>> {
    POOL.run(|| net::ToSocketAddrs::to_socket_addrs(&(host, port)))
}

//! Names to addresses without holding a worker: sward looks names up on a pool of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sward::net::ToSocketAddrs;
use sward::thread;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::client::check_redirected;
use crate::failure::Lookup;

/// As many addresses as ureq has room for.
const MAX_ADDRS: usize = 16;

/// ureq's own resolver would start an OS thread a lookup; this one parks a green thread.
#[derive(Debug)]
pub(crate) struct GreenResolver;

impl Resolver for GreenResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        // Without a proxy this is where every URL comes by, those of redirects too; the first has passed already.
        check_redirected(uri)?;
        let named = uri.scheme().zip(uri.authority());
        let name = named
            .and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority))
            .ok_or_else(|| Error::BadUri(format!("no host and port in {uri}")))?;

        let limit = if timeout.after.is_not_happening() { None } else { Some(*timeout.after) };
        let found = match limit {
            Some(limit) => look_up_within(name, limit).ok_or(Error::Timeout(timeout.reason))?,
            None => look_up(&name),
        };
        let found = found.map_err(|e| Error::Other(Box::new(Lookup(e))))?;

        let mut addrs = self.empty();
        for addr in config.ip_family().keep_wanted(found.into_iter()).take(MAX_ADDRS) {
            addrs.push(addr);
        }
        if addrs.is_empty() { Err(Error::HostNotFound) } else { Ok(addrs) }
    }
}

fn look_up(name: &str) -> io::Result<Vec<SocketAddr>> {
    name.to_socket_addrs().map(Iterator::collect)
}

/// A lookup cannot be cut short, but it can be left behind: it runs in a green thread of its own.
fn look_up_within(name: String, limit: Duration) -> Option<io::Result<Vec<SocketAddr>>> {
    if let Ok(addr) = name.parse() {
        return Some(Ok(vec![addr]));
    }
    let answer = Arc::new(Mutex::new(None));
    let asker = thread::current();
    sward::spawn({
        let answer = Arc::clone(&answer);
        move || {
            let found = look_up(&name);
            *answer.lock().unwrap() = Some(found);
            asker.unpark();
        }
    });

    let deadline = Instant::now().checked_add(limit);
    loop {
        if let Some(found) = answer.lock().unwrap().take() {
            return Some(found);
        }
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => return None,
            Some(left) => thread::park_timeout(left),
            None => thread::park(),
        }
    }
}

//! A small HTTP/1.1 server inside the process: what the client fetches when it is given no URL.
//!
//! A green thread a connection, and each request is answered by code that simply sleeps. It ends with the process.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use sward::net::{TcpListener, TcpStream};
use sward::thread;

/// How many pages there are: `/page/0` and so on.
pub(crate) const PAGES: usize = 1_000;

/// How many connections may wait to be accepted; the system may set a lower limit.
const BACKLOG: i32 = 4_096;

/// The longest request head that is read.
const MAX_HEAD: usize = 8 * 1024;

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    load: Arc<Load>,
}

/// How many requests are being answered, and the most there were.
#[derive(Default)]
struct Load {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Server {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = listen()?;
        let addr = listener.local_addr()?;
        let load = Arc::<Load>::default();
        sward::spawn({
            let load = Arc::clone(&load);
            move || accept_all(&listener, &load)
        });
        Ok(Server { addr, load })
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        (0..PAGES).map(|page| format!("http://{}/page/{page}", self.addr)).collect()
    }

    pub(crate) fn peak(&self) -> usize {
        self.load.peak.load(Ordering::Relaxed)
    }
}

/// `TcpListener::bind` would do, but for its queue: std's 128 connections. A thousand that come at once overflow it,
/// and the kernel then drops some and tries them again a second later.
fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from(OwnedFd::from(socket)))
}

fn accept_all(listener: &TcpListener, load: &Arc<Load>) {
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => {
                let load = Arc::clone(load);
                // A connection that breaks is the client's to report.
                sward::spawn(move || drop(serve(stream, &load)));
            }
            // Out of files, most likely: some come back as connections end.
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Answers the requests of one connection, one after the other, until the client closes it.
fn serve(mut stream: TcpStream, load: &Load) -> io::Result<()> {
    // An answer goes out in two writes, and the second must not wait for the first one's acknowledgement.
    stream.set_nodelay(true)?;
    let mut input = Vec::new();
    loop {
        let Some((target, length)) = read_head(&mut stream, &mut input)? else { return Ok(()) };
        input.drain(..length);
        match target.strip_prefix("/page/").and_then(|page| page.parse().ok()) {
            Some(page) if page < PAGES => {
                let _here = load.enter();
                send_page(&mut stream, page)?;
            }
            _ => stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?,
        }
    }
}

/// The next request's target, and the length of its head in `input`. `None` when the client is done.
fn read_head(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<Option<(String, usize)>> {
    let mut chunk = [0; 1024];
    loop {
        if let Some(head) = parse_head(input)? {
            return Ok(Some(head));
        }
        if input.len() > MAX_HEAD {
            return Err(ErrorKind::InvalidData.into());
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(None),
            amount => input.extend_from_slice(&chunk[..amount]),
        }
    }
}

fn parse_head(input: &[u8]) -> io::Result<Option<(String, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(input).map_err(|e| io::Error::new(ErrorKind::InvalidData, e))? {
        httparse::Status::Complete(length) => Ok(request.path.map(|path| (path.to_owned(), length))),
        httparse::Status::Partial => Ok(None),
    }
}

/// Thinks for a while, begins its answer, and ends it after a while more, as real servers do.
fn send_page(stream: &mut TcpStream, page: usize) -> io::Result<()> {
    let (wait, body) = (page_wait(page), page_body(page));
    let think = wait * 4 / 5;
    thread::sleep(think);
    let (begin, rest) = body.split_at(body.len() / 2);
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), begin].concat())?;
    thread::sleep(wait - think);
    stream.write_all(rest)
}

/// Between 10 and 200 ms, and the same in every run.
fn page_wait(page: usize) -> Duration {
    Duration::from_millis(10 + scramble(page as u64) % 191)
}

/// Between half a KiB and 4 KiB, and the same in every run.
fn page_body(page: usize) -> Vec<u8> {
    let length = 512 + scramble(!(page as u64)) % 3_585;
    format!("page {page}\n").bytes().cycle().take(length as usize).collect()
}

/// The output function of `SplitMix64`: every bit of the result depends on every bit of `x`.
fn scramble(x: u64) -> u64 {
    let x = x.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Load {
    fn enter(&self) -> Entered<'_> {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        Entered(self)
    }
}

/// A request that is being answered.
struct Entered<'a>(&'a Load);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

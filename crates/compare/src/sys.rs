//! The system calls that std has no name for: affinity, limits, CPU clocks, epoll.
//!
//! The only `unsafe` of the crate that is not a peer's own demand is here.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The CPUs that this process may run on, in order.
pub(crate) fn allowed_cpus() -> io::Result<Vec<usize>> {
    // SAFETY: `cpu_set_t` is an array of integers, of which all-zero is a value.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: `set` is live, writable and of the size that is passed.
    check(unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) })?;
    // SAFETY: the index stays below the number of bits of a set.
    Ok((0..libc::CPU_SETSIZE as usize).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) }).collect())
}

/// Confines the calling OS thread, and those that it will start, to `cpus`.
pub(crate) fn pin_to(cpus: &[usize]) -> io::Result<()> {
    // SAFETY: `cpu_set_t` is an array of integers, of which all-zero is a value.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    for &cpu in cpus.iter().filter(|&&cpu| cpu < libc::CPU_SETSIZE as usize) {
        // SAFETY: the filter keeps the index below the number of bits of a set.
        unsafe { libc::CPU_SET(cpu, &mut set) };
    }
    // SAFETY: `set` is live and of the size that is passed.
    check(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) }).map(drop)
}

/// Raises the soft limit of open files to the hard one.
pub(crate) fn raise_open_files() -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is live and writable.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is live.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }).map(drop)
}

/// Ends this process when the OS thread that started it does: a server would wait for ever.
pub(crate) fn end_with_parent() -> io::Result<()> {
    // SAFETY: no memory is passed.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }).map(drop)
}

/// CPU time, user and system, of all threads of process `pid` so far; 0 is the caller's own.
pub(crate) fn cpu_time(pid: u32) -> io::Result<Duration> {
    let mut clock = libc::CLOCK_PROCESS_CPUTIME_ID;
    if pid != 0 {
        // SAFETY: `clock` is live and writable.
        let error = unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, &mut clock) };
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is live and writable.
    check(unsafe { libc::clock_gettime(clock, &mut time) })?;
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

/// CPU time in user code, of this process and of those of its children that have ended.
pub(crate) fn user_time_of_us_and_ended_children() -> io::Result<Duration> {
    let mut sum = Duration::ZERO;
    for who in [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN] {
        // SAFETY: `rusage` consists of integers, of which all-zero is a value.
        let mut usage: libc::rusage = unsafe { mem::zeroed() };
        // SAFETY: `usage` is live and writable.
        check(unsafe { libc::getrusage(who, &mut usage) })?;
        sum += Duration::new(usage.ru_utime.tv_sec as u64, usage.ru_utime.tv_usec as u32 * 1000);
    }
    Ok(sum)
}

/// The unit of times in `/proc/stat`.
pub(crate) fn tick() -> Duration {
    // SAFETY: no memory is passed.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Duration::from_secs(1) / u32::try_from(per_second).unwrap_or(100).max(1)
}

/// Listens on a free port of the loopback interface, with a backlog that holds a burst of thousands.
pub(crate) fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    // SAFETY: no memory is passed. A second `listen` on a socket only changes its backlog.
    check(unsafe { libc::listen(listener.as_raw_fd(), 4096) })?;
    Ok(listener)
}

/// An epoll instance, with tokens for names.
pub(crate) struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: no memory is passed.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call succeeded, so `fd` is open, and nobody else has seen it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { fd, events: Vec::with_capacity(1024) })
    }

    /// Watches `fd`, level-triggered, for input.
    pub(crate) fn watch(&self, fd: RawFd, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, libc::EPOLLIN, token)
    }

    /// Watches `fd`, edge-triggered, for input and for room to write.
    pub(crate) fn watch_edges(&self, fd: RawFd, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLET, token)
    }

    /// Watches `fd` no longer.
    pub(crate) fn forget(&self, fd: RawFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }

    fn control(&self, operation: libc::c_int, fd: RawFd, events: libc::c_int, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events as u32, u64: token };
        // SAFETY: `event` is live during the call, and the kernel keeps no pointer to it.
        check(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), operation, fd, &mut event) }).map(drop)
    }

    /// Waits for events, at most `timeout`, and gives their tokens. Accurate to the kernel's timer
    /// slack, unlike `epoll_wait`, which counts milliseconds.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<impl Iterator<Item = u64> + '_> {
        let time = timeout.map(|timeout| libc::timespec {
            tv_sec: timeout.as_secs() as libc::time_t,
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        self.events.clear();
        // SAFETY: the buffer has room for `capacity` events; `time` is null or points to a live
        // timespec; a null signal mask is allowed.
        let result = check(unsafe {
            libc::epoll_pwait2(
                self.fd.as_raw_fd(),
                self.events.as_mut_ptr(),
                self.events.capacity() as libc::c_int,
                time,
                std::ptr::null(),
            )
        });
        let count = match result {
            Ok(count) => count as usize,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        // SAFETY: the kernel has written the first `count` events, `count` being at most the capacity.
        unsafe { self.events.set_len(count) };
        Ok(self.events.iter().map(|event| event.u64))
    }
}

/// Starts to connect a non-blocking socket to a loopback `port`; it is writable when connected.
pub(crate) fn start_connect(port: u16) -> io::Result<std::net::TcpStream> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no memory is passed.
    let fd = check(unsafe { libc::socket(libc::AF_INET, kind, 0) })?;
    // SAFETY: the call succeeded, so `fd` is open, and nobody else has seen it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: `sockaddr_in` consists of integers, of which all-zero is a value.
    let mut address: libc::sockaddr_in = unsafe { mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_port = port.to_be();
    address.sin_addr.s_addr = u32::from(Ipv4Addr::LOCALHOST).to_be();
    let length = size_of_val(&address) as libc::socklen_t;
    // SAFETY: `address` is a live `sockaddr_in` of `length` bytes.
    match check(unsafe { libc::connect(fd.as_raw_fd(), (&raw const address).cast(), length) }) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(fd.into()),
    }
}

/// Memory for stacks of 64 KiB each, in one mapping of small pages.
pub(crate) struct Stacks {
    base: *mut libc::c_void,
    len: usize,
}

impl Stacks {
    const SIZE: usize = 64 << 10;

    pub(crate) fn map(count: usize) -> io::Result<Self> {
        let len = count * Self::SIZE;
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, at an address of the system's choice.
        let base =
            unsafe { libc::mmap(std::ptr::null_mut(), len, access, kind | libc::MAP_NORESERVE, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stacks = Self { base, len };
        // SAFETY: the mapping is this value's own, and the advice changes nothing in it.
        check(unsafe { libc::madvise(base, len, libc::MADV_NOHUGEPAGE) })?;
        Ok(stacks)
    }

    /// Writes to the top of each stack.
    pub(crate) fn touch(&self) {
        for top in (Self::SIZE..=self.len).step_by(Self::SIZE) {
            // SAFETY: within the mapping, which is writable, and nobody has references into it.
            unsafe { self.base.cast::<u8>().add(top - 1).write_volatile(1) };
        }
    }
}

impl Drop for Stacks {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and goes with it.
        unsafe { libc::munmap(self.base, self.len) };
    }
}

//! nginx: a server that others wrote.

use std::{
    env, fs,
    io::{self, ErrorKind, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Command, Stdio},
};

use super::dirs::TempDir;

/// Serves some files; stopped when it is dropped.
pub(crate) struct Nginx {
    dir: TempDir,
    at: SocketAddr,
}

impl Nginx {
    /// Serves files of these names and contents. `None` if it is not installed: said on stderr, and a failure where
    /// `SWARD_TEST_SERVERS` asks for it.
    pub(crate) fn start(test: &str, files: impl IntoIterator<Item = (String, String)>) -> Option<Self> {
        let dir = TempDir::new(test);
        fs::create_dir_all(dir.join("files")).unwrap();
        for (name, content) in files {
            fs::write(dir.join("files").join(name), content).unwrap();
        }
        // The free port may be gone again by the time nginx takes it: then the next one.
        for _ in 0..10 {
            let at = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
            dir.file("nginx.conf", Self::conf(at).as_bytes());
            // It leaves the terminal when it listens, and returns.
            match Self::command(&dir).stdout(Stdio::null()).stderr(Stdio::null()).status() {
                Ok(status) if status.success() => return Some(Self { dir, at }),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let asked = env::var_os("SWARD_TEST_SERVERS").is_some_and(|asked| !asked.is_empty());
                    assert!(!asked, "nginx is not installed, and SWARD_TEST_SERVERS asks for it");
                    // To where no test's output is kept back.
                    let _ = writeln!(io::stderr(), "{test} is skipped: nginx is not installed");
                    return None;
                }
                Err(error) => panic!("nginx cannot be started: {error}"),
            }
        }
        panic!("nginx does not start: {}", fs::read_to_string(dir.join("error.log")).unwrap_or_default());
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.at
    }

    fn conf(at: SocketAddr) -> String {
        format!(
            "master_process off; pid nginx.pid; error_log error.log; worker_rlimit_nofile 8192;
             events {{ worker_connections 4096; }}
             http {{
                 access_log off; keepalive_requests 10000;
                 client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
                 server {{ listen {at} backlog=4096; root files; }}
             }}"
        )
    }

    fn command(dir: &TempDir) -> Command {
        let mut command = Command::new("nginx");
        // Debian has it where only root's PATH looks.
        command.env("PATH", format!("{}:/usr/sbin", env::var("PATH").unwrap_or_default()));
        command.arg("-p").arg(dir.path());
        command.arg("-e").arg(dir.join("error.log")).arg("-c").arg(dir.join("nginx.conf"));
        command
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Self::command(&self.dir).args(["-s", "stop"]).stderr(Stdio::null()).status();
    }
}

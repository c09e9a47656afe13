//! `sward::io::Readiness`: waiting for descriptors of any kind.

mod support;

use std::{
    fs::File,
    io::{self, Read, Write, pipe},
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use support::{in_run, until_parked, watched};
use sward::{
    JoinError,
    io::Readiness,
    net::{TcpListener, TcpStream},
    time::Duration,
};

#[test]
fn a_pipe_is_waited_for_without_stopping_the_worker() {
    in_run(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        let waiting = sward::spawn(move || {
            assert!(reader.wait_readable(None).unwrap());
            let mut buf = [0; 8];
            let n = reader.read(&mut buf).unwrap();
            (n, reader)
        });
        until_parked(&waiting);
        writer.write_all(b"abc").unwrap();
        let (n, reader) = waiting.join().unwrap();
        assert_eq!(n, 3);
        let waiting = sward::spawn(move || reader.wait_readable(None).unwrap());
        until_parked(&waiting);
        drop(writer); // the end of the file is readable
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn a_full_pipe_is_waited_for_until_there_is_room() {
    in_run(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        let full = vec![0; 64 << 10];
        writer.write_all(&full).unwrap();
        assert!(!writer.wait_writable(Some(Duration::ZERO)).unwrap());
        let waiting = sward::spawn(move || writer.wait_writable(None).map(|ready| (ready, writer)));
        until_parked(&waiting);
        reader.read_exact(&mut vec![0; 64 << 10]).unwrap();
        assert!(waiting.join().unwrap().unwrap().0);
    });
}

#[test]
fn a_wait_ends_with_its_time() {
    let check = || {
        let (reader, _writer) = pipe().unwrap();
        for limit in [Duration::ZERO, Duration::from_millis(3)] {
            assert!(!reader.wait_readable(Some(limit)).unwrap());
        }
    };
    in_run(check);
    watched(check);
}

#[test]
fn files_are_always_ready() {
    let check = || {
        let file = File::open("/proc/self/exe").unwrap();
        assert!(file.wait_readable(None).unwrap());
        assert!(file.wait_writable(None).unwrap());
    };
    in_run(check);
    watched(check);
}

#[test]
fn many_wait_for_one_descriptor() {
    in_run(|| {
        let (reader, mut writer) = pipe().unwrap();
        let reader = Arc::new(reader);
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let reader = Arc::clone(&reader);
                sward::spawn(move || reader.wait_readable(None).unwrap())
            })
            .collect();
        waiting.iter().for_each(until_parked);
        writer.write_all(b"x").unwrap();
        assert!(sward::join_all(waiting).into_iter().all(Result::unwrap));
    });
}

#[test]
fn a_socket_of_swards_can_be_waited_for_while_it_is_read() {
    in_run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        let far = Arc::new(far);
        let reading = sward::spawn({
            let far = Arc::clone(&far);
            move || {
                let mut buf = [0; 4];
                (&*far).read_exact(&mut buf).map(|()| buf)
            }
        });
        until_parked(&reading);
        let waiting = sward::spawn({
            let far = Arc::clone(&far);
            move || far.wait_readable(None)
        });
        until_parked(&waiting);
        near.write_all(b"half").unwrap();
        assert_eq!(&reading.join().unwrap().unwrap(), b"half");
        near.write_all(b"half").unwrap();
        assert!(waiting.join().unwrap().unwrap());
        // And the registration of the stream has survived it.
        let mut buf = [0; 4];
        (&*far).read_exact(&mut buf).unwrap();
        let reading = sward::spawn(move || (&*far).read(&mut [0; 4]));
        until_parked(&reading);
        drop(near);
        assert_eq!(reading.join().unwrap().unwrap(), 0);
    });
}

#[test]
fn a_socket_of_swards_can_be_read_while_it_is_waited_for() {
    in_run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let far = Arc::new(listener.accept().unwrap().0);
        let threads = [true, false].map(|wait| {
            let far = Arc::clone(&far);
            let thread = sward::spawn(move || match wait {
                true => far.wait_readable(None).map(drop),
                false => (&*far).read(&mut [0; 4]).map(drop),
            });
            until_parked(&thread);
            thread
        });
        drop(near);
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
}

#[test]
fn a_cancel_ends_a_wait() {
    in_run(|| {
        let (reader, mut writer) = pipe().unwrap();
        let waiting = sward::spawn(move || reader.wait_readable(None));
        until_parked(&waiting);
        waiting.cancel();
        assert!(matches!(waiting.join(), Err(JoinError::Cancelled)));
        assert_eq!(writer.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_descriptor_that_is_waited_for_is_not_changed() {
    in_run(|| {
        let (reader, mut writer) = pipe().unwrap();
        let fd = OwnedFd::from(reader);
        assert!(!fd.wait_readable(Some(Duration::from_millis(1))).unwrap());
        let file = File::from(fd);
        let mode = socket2::SockRef::from(&file).nonblocking().unwrap();
        assert!(!mode);
        writer.write_all(b"x").unwrap();
        assert!(file.as_fd().wait_readable(None).unwrap());
    });
}

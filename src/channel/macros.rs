//! `select!` and `select_biased!`.

/// Waits until one of several channel operations can be done, does it, and runs its body.
///
/// The syntax is crossbeam's: cases `recv(receiver) -> result => body` and `send(sender, message) -> result => body`
/// in any number and mix, and at most one `default => body` (if none can be done now) or `default(timeout) => body` (if
/// none can be in time). The message of a send is evaluated when that case was selected. A case whose channel is
/// disconnected can be done: its result is the error.
///
/// If several can be done, one of them is chosen at random (by the runtime's seed, if it has one), so that none
/// starves; [`select_biased!`](crate::channel::select_biased) takes the first.
///
/// To wait allocates nothing. [`Select`](crate::channel::Select) does the same for a number of operations that is known
/// at run time only.
///
/// # Fairness
/// While it waits it stands in each channel's line, as a send or receive does.
///
/// # Cancellation
/// A park point if it has to wait. If one of the cases was done when a cancel came, its body runs, and the cancel is
/// met at the next park.
///
/// ```
/// use sward::channel::{bounded, select, unbounded};
/// use sward::time::Duration;
///
/// sward::Runtime::builder().virtual_clock(true).run(|| {
///     let (words, reader) = unbounded();
///     let (writer, numbers) = bounded(1);
///     sward::spawn(move || {
///         sward::sleep(Duration::from_secs(1));
///         words.send("hello").unwrap();
///     });
///     for _ in 0..2 {
///         select! {
///             recv(reader) -> word => assert_eq!(word, Ok("hello")),
///             send(writer, 42) -> sent => assert_eq!(sent, Ok(())), // at first there is room for one
///             default(Duration::from_secs(5)) => panic!("nothing for five seconds"),
///         }
///     }
///     assert_eq!(numbers.recv(), Ok(42));
/// });
/// ```
#[macro_export]
macro_rules! select {
    ($($tokens:tt)*) => { $crate::__select!(@parse (false) [] [] $($tokens)*) };
}

/// As [`select!`](crate::channel::select), and if several of the operations can be done, it does the first of them.
///
/// ```
/// use sward::channel::{select_biased, unbounded};
///
/// let (sender, receiver) = unbounded();
/// let (_other, urgent) = unbounded::<()>();
/// sender.send(1).unwrap();
/// let got = select_biased! {
///     recv(urgent) -> _ => 0,
///     recv(receiver) -> message => message.unwrap(),
/// };
/// assert_eq!(got, 1);
/// ```
#[macro_export]
macro_rules! select_biased {
    ($($tokens:tt)*) => { $crate::__select!(@parse (true) [] [] $($tokens)*) };
}

/// What both come down to: `@parse` reads the heads of the cases, `@body` their bodies, `@add` collects them; `@declare`
/// makes a variable for each, with a name of its own by hygiene, `@run` selects and `@end` goes to the body.
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    (@parse $biased:tt $default:tt $cases:tt) => {
        $crate::__select!(@declare $biased $default $cases [])
    };
    (@parse $b:tt $d:tt $c:tt recv($r:expr $(,)?) -> $p:pat => $($rest:tt)+) => {
        $crate::__select!(@body $b $d $c (recv ($r) () ($p)) $($rest)+)
    };
    (@parse $b:tt $d:tt $c:tt send($s:expr, $m:expr $(,)?) -> $p:pat => $($rest:tt)+) => {
        $crate::__select!(@body $b $d $c (send ($s) ($m) ($p)) $($rest)+)
    };
    (@parse $b:tt $d:tt $c:tt default $(())? => $($rest:tt)+) => {
        $crate::__select!(@body $b $d $c (default Now) $($rest)+)
    };
    (@parse $b:tt $d:tt $c:tt default($timeout:expr $(,)?) => $($rest:tt)+) => {
        $crate::__select!(@body $b $d $c (default For($timeout)) $($rest)+)
    };
    (@parse $b:tt $d:tt $c:tt $($rest:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "expected `recv(receiver) -> result => body`, `send(sender, message) -> result => body`, ",
            "`default => body` or `default(timeout) => body`, found `",
            ::core::stringify!($($rest)+),
            "`"
        ))
    };

    (@body $b:tt $d:tt $c:tt $head:tt $body:block, $($rest:tt)*) => {
        $crate::__select!(@add $b $d $c $head ($body) $($rest)*)
    };
    (@body $b:tt $d:tt $c:tt $head:tt $body:block $($rest:tt)*) => {
        $crate::__select!(@add $b $d $c $head ($body) $($rest)*)
    };
    (@body $b:tt $d:tt $c:tt $head:tt $body:expr, $($rest:tt)*) => {
        $crate::__select!(@add $b $d $c $head ($body) $($rest)*)
    };
    (@body $b:tt $d:tt $c:tt $head:tt $body:expr) => {
        $crate::__select!(@add $b $d $c $head ($body))
    };

    (@add $b:tt [] $c:tt (default $($until:tt)+) $body:tt $($rest:tt)*) => {
        $crate::__select!(@parse $b [($($until)+) $body] $c $($rest)*)
    };
    (@add $b:tt [$($d:tt)+] $c:tt (default $($until:tt)+) $body:tt $($rest:tt)*) => {
        ::core::compile_error!("there can be only one `default` case in a `select!`")
    };
    (@add $b:tt $d:tt [$($c:tt)*] ($($head:tt)+) $body:tt $($rest:tt)*) => {
        $crate::__select!(@parse $b $d [$($c)* {$($head)+ $body}] $($rest)*)
    };

    (@declare $b:tt $d:tt [{recv ($r:expr) $m:tt $p:tt $body:tt} $($todo:tt)*] [$($done:tt)*]) => {
        match $r {
            ref receiver => {
                let receiver: &$crate::channel::Receiver<_> = receiver;
                let mut case = $crate::channel::internal::Receiving::new(receiver);
                $crate::__select!(@declare $b $d [$($todo)*] [$($done)* {recv case $m $p $body}])
            }
        }
    };
    (@declare $b:tt $d:tt [{send ($s:expr) $m:tt $p:tt $body:tt} $($todo:tt)*] [$($done:tt)*]) => {
        match $s {
            ref sender => {
                let sender: &$crate::channel::Sender<_> = sender;
                let mut case = $crate::channel::internal::Sending::new(sender);
                $crate::__select!(@declare $b $d [$($todo)*] [$($done)* {send case $m $p $body}])
            }
        }
    };
    (@declare $b:tt [] [] $done:tt) => {
        $crate::__select!(@run $b (Ever) [] $done)
    };
    (@declare $b:tt [$until:tt $body:tt] [] $done:tt) => {
        $crate::__select!(@run $b $until [$body] $done)
    };

    (@run ($b:expr) ($($until:tt)+) $default:tt [$({$kind:ident $case:ident $($more:tt)*})*]) => {{
        let selected = $crate::channel::internal::select(
            &mut [$($case.case()),*],
            $crate::channel::internal::Until::$($until)+,
            $b,
        );
        $crate::__select!(@end selected $default (0) $({$kind $case $($more)*})*)
    }};

    (@end $selected:ident $d:tt ($n:expr) {recv $case:ident () ($p:pat) ($body:expr)} $($rest:tt)*) => {
        if $selected == $n {
            let $p = $case.finish();
            $body
        } else {
            $crate::__select!(@end $selected $d ($n + 1) $($rest)*)
        }
    };
    (@end $selected:ident $d:tt ($n:expr) {send $case:ident ($m:expr) ($p:pat) ($body:expr)} $($rest:tt)*) => {
        if $selected == $n {
            let $p = {
                let permit = $case.permit();
                permit.send($m)
            };
            $body
        } else {
            $crate::__select!(@end $selected $d ($n + 1) $($rest)*)
        }
    };
    (@end $selected:ident [($body:expr)] ($n:expr)) => {{
        let _ = $selected;
        $body
    }};
    (@end $selected:ident [] ($n:expr)) => {{
        let _ = $selected;
        $crate::channel::internal::ended()
    }};
}

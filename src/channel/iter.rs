//! Iterators over what is received.

use std::{fmt, iter::FusedIterator};

use super::Receiver;

/// Receives until no message is left, and no sender. Made by [`Receiver::iter`].
pub struct Iter<'a, T>(&'a Receiver<T>);

/// Receives what can be received without waiting. Made by [`Receiver::try_iter`].
pub struct TryIter<'a, T>(&'a Receiver<T>);

/// Receives until no message is left, and no sender. Made by [`Receiver::into_iter`](IntoIterator::into_iter).
pub struct IntoIter<T>(Receiver<T>);

impl<T> Receiver<T> {
    /// Receives until no message is left, and no sender; [parks](Self::recv) meanwhile.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded();
    /// sward::spawn(move || (0..3).for_each(|i| sender.send(i).unwrap()));
    /// assert!(receiver.iter().eq(0..3)); // ends with the sender
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    /// Receives what there is, without [waiting](Self::try_recv) for more.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded();
    /// (0..3).for_each(|i| sender.send(i).unwrap());
    /// assert!(receiver.try_iter().eq(0..3));
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> FusedIterator for Iter<'_, T> {}
impl<T> FusedIterator for IntoIter<T> {}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self)
    }
}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Iter { .. }")
    }
}

impl<T> fmt::Debug for TryIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("TryIter { .. }")
    }
}

impl<T> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("IntoIter { .. }")
    }
}

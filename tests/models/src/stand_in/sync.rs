//! `std::sync`, with waits that end by the models' clock. shuttle's never do.

use super::clock::{self, Instant};
use std::ops::{Deref, DerefMut};
use std::sync::LockResult;
use std::time::Duration;

pub(crate) use std::sync::{Arc, PoisonError, Weak};

#[derive(Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    guard: shuttle::sync::MutexGuard<'a, T>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let guard = |guard| MutexGuard { mutex: self, guard };
        let locked = self.0.lock().map(guard);
        locked.map_err(|poisoned| PoisonError::new(guard(poisoned.into_inner())))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// Known by its address, which a type without a size may share.
pub(crate) struct Condvar(#[allow(dead_code)] u8);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(0)
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.wait_until(guard, None)
            .map(|(guard, _)| guard)
            .map_err(|poisoned| {
                let (guard, _) = poisoned.into_inner();
                PoisonError::new(guard)
            })
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let until = Instant::now() + time;
        self.wait_until(guard, Some(until))
    }

    pub(crate) fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        time: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let until = Instant::now() + time;
        while condition(&mut guard) {
            let (again, timed_out) = self.wait_until(guard, Some(until))?;
            guard = again;
            if timed_out {
                return Ok((guard, true));
            }
        }
        Ok((guard, false))
    }

    /// Whether it was the time comes with the lock.
    fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        until: Option<Instant>,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let mutex = guard.mutex;
        let timed_out = clock::wait_for(self.address(), until, move || drop(guard));
        match mutex.lock() {
            Ok(guard) => Ok((guard, timed_out)),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), timed_out))),
        }
    }

    pub(crate) fn notify_one(&self) {
        clock::notify(self.address(), false);
    }

    pub(crate) fn notify_all(&self) {
        clock::notify(self.address(), true);
    }
}

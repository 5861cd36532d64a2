//! Work shared out among threads: each takes the next item when it is done with its last.
//!
//! Who takes which item is chance, so what is done with one item must not depend on the others.

#[cfg(loom)]
use loom::sync::Mutex;
#[cfg(not(loom))]
use std::sync::Mutex;
use std::sync::PoisonError;

/// Items that several threads take, each once.
#[derive(Debug)]
struct Queue<I>(Mutex<I>);

impl<I: Iterator> Queue<I> {
    fn take(&self) -> Option<I::Item> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}

/// Does all the work, on so many threads, this one included.
pub fn share<I>(threads: usize, items: I, work: impl Fn(I::Item) + Sync)
where
    I: Iterator<Item: Send> + Send,
{
    if threads <= 1 {
        items.for_each(work);
        return;
    }
    let queue = Queue(Mutex::new(items));
    let drain = || std::iter::from_fn(|| queue.take()).for_each(&work);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(drain);
        }
        drain();
    });
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        for threads in [1, 2, 3, 8] {
            let mut done = vec![0; 1_000];
            share(threads, done.iter_mut(), |item| *item += 1);
            assert_eq!(done, vec![1; 1_000], "{threads} threads");
        }
    }
}

/// All interleavings of three threads: `RUSTFLAGS="--cfg loom" cargo test --release --lib parallel`.
#[cfg(all(test, loom))]
mod interleavings {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_item_is_taken_once_and_its_work_is_seen() {
        loom::model(|| {
            let done: Vec<_> = (0..3).map(|_| Arc::new(AtomicUsize::new(0))).collect();
            let queue = Arc::new(Queue(Mutex::new(done.clone().into_iter())));
            let work = |queue: Arc<Queue<_>>| {
                move || {
                    while let Some(item) = queue.take() {
                        let item: Arc<AtomicUsize> = item;
                        // Not atomic: two threads with one item would lose a count.
                        let before = item.load(Ordering::Relaxed);
                        item.store(before + 1, Ordering::Relaxed);
                    }
                }
            };
            let others: Vec<_> =
                (0..2).map(|_| loom::thread::spawn(work(Arc::clone(&queue)))).collect();
            work(queue)();
            others.into_iter().for_each(|other| other.join().expect("no thread panics"));
            assert!(done.iter().all(|item| item.load(Ordering::Relaxed) == 1));
        });
    }
}

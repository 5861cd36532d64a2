//! `--checkpoint FILE`: where a search that has to stop is kept, and whether what is there belongs to this command.
//!
//! The file: a line that says what it is, the command and the search it belongs to, the search's own bytes, a sum of all
//! of it. It is replaced as a whole, so that whatever happens meanwhile one of the two is there.

use super::args::CheckArgs;
use crate::explore::checkpoint::Keeper;
use crate::explore::limits::Config;
use crate::source;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::Mutex;

/// The first line of a checkpoint; another version may search in another order.
const HEAD: &str = concat!("flowrace checkpoint ", env!("CARGO_PKG_VERSION"), "\n");
/// What every version begins with.
const ANY: &[u8] = b"flowrace checkpoint ";

/// A file that keeps one search at a time.
#[derive(Debug)]
pub(super) struct Checkpoint {
    file: PathBuf,
    command: u64,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    /// The search that the file keeps.
    search: Option<u64>,
    /// Whether the file was written and not removed again.
    written: bool,
    failed: Option<String>,
}

impl Checkpoint {
    /// The checkpoint of a command, or why the file there is refused.
    pub(super) fn open(args: &CheckArgs, config: &Config) -> Result<Option<Self>, String> {
        let Some(file) = args.checkpoint.clone() else { return Ok(None) };
        if args.paths.iter().any(|path| path.as_os_str() == "-") {
            return Err("--checkpoint needs files to go on with; - can be read only once".into());
        }
        let command = command(args, config);
        let search = match File::open(&file) {
            Ok(kept) => Some(checked(kept, command).map_err(|why| {
                format!("{}: {why}; delete it to search from the start", file.display())
            })?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("cannot read {}: {error}", file.display())),
        };
        Ok(Some(Self { file, command, now: Mutex::new(Now { search, ..Now::default() }) }))
    }

    /// What a person should know after the search.
    pub(super) fn outcome(&self) -> Result<Option<String>, String> {
        let now = self.now();
        let file = self.file.display();
        match &now.failed {
            Some(why) => Err(format!("cannot write {file}: {why}")),
            None => Ok(now.written.then(|| {
                format!("{file} keeps what was explored; the same command goes on from there")
            })),
        }
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(
        &self,
        search: u64,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut beside = self.file.clone().into_os_string();
        beside.push(".new");
        let mut out = Summing { inner: BufWriter::new(File::create(&beside)?), sum: START };
        out.write_all(HEAD.as_bytes())?;
        out.write_all(&self.command.to_le_bytes())?;
        out.write_all(&search.to_le_bytes())?;
        write(&mut out)?;
        let sum = out.sum;
        out.write_all(&sum.to_le_bytes())?;
        out.flush()?;
        fs::rename(beside, &self.file)
    }
}

impl Keeper for Checkpoint {
    fn load(&self, search: u64) -> Option<Box<dyn Read + '_>> {
        if self.now().search != Some(search) {
            return None;
        }
        let mut kept = BufReader::new(File::open(&self.file).ok()?);
        let mut head = vec![0; HEAD.len() + 16];
        kept.read_exact(&mut head).ok()?;
        Some(Box::new(kept))
    }

    fn save(&self, search: u64, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) {
        let done = self.write(search, write);
        let mut now = self.now();
        match done {
            Ok(()) => (now.search, now.written) = (Some(search), true),
            Err(error) => now.failed = Some(error.to_string()),
        }
    }

    fn complete(&self, search: u64) {
        let mut now = self.now();
        if now.search == Some(search) {
            // If it stays, the next run finds nothing left to do in it.
            _ = fs::remove_file(&self.file);
            (now.search, now.written) = (None, false);
        }
    }
}

/// What has to be the same for a search to go on: the inputs, and all that decides what is searched. Not the limits.
fn command(args: &CheckArgs, config: &Config) -> u64 {
    let config = Config {
        max_states: None,
        max_memory: 0,
        threads: 1,
        fuzz: None,
        reproducible: false,
        ..config.clone()
    };
    let mut all = Summing { inner: io::sink(), sum: START };
    let texts = source::read(&args.paths).texts;
    let texts: Vec<(String, String)> = texts.into_iter().map(|s| (s.path, s.text)).collect();
    // A sink takes everything.
    _ = write!(all, "{config:?}{texts:?}");
    all.sum
}

/// The search that a file keeps, if the file is whole and of this command.
fn checked(kept: File, command: u64) -> Result<u64, String> {
    let unread = |error: io::Error| format!("cannot be read: {error}");
    let len = kept.metadata().map_err(unread)?.len();
    let mut kept = Summing { inner: BufReader::new(kept), sum: START };
    let mut head = vec![0; HEAD.len().min(usize::try_from(len).unwrap_or(usize::MAX))];
    kept.read_exact(&mut head).map_err(unread)?;
    let known = head.len().min(ANY.len());
    if head[..known] != ANY[..known] {
        return Err("not a checkpoint".into());
    }
    if len < HEAD.len() as u64 + 24 {
        return Err("a truncated checkpoint".into());
    }
    if head != HEAD.as_bytes() {
        return Err("a checkpoint of another version".into());
    }
    let theirs = number(&mut kept).map_err(unread)?;
    let search = number(&mut kept).map_err(unread)?;
    let rest = len - HEAD.len() as u64 - 24;
    io::copy(&mut (&mut kept).take(rest), &mut io::sink()).map_err(unread)?;
    let sum = kept.sum;
    if number(&mut kept).map_err(unread)? != sum {
        return Err("a truncated or damaged checkpoint".into());
    }
    if theirs != command {
        return Err("a checkpoint of another command or of other inputs".into());
    }
    Ok(search)
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

/// Sums what passes through (FNV-1a, Fowler, Noll and Vo 1991): against accidents, not against malice.
struct Summing<T> {
    inner: T,
    sum: u64,
}

impl<T> Summing<T> {
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

impl<T: Write> Write for Summing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.add(&bytes[..taken]);
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Summing<T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(into)?;
        self.add(&into[..got]);
        Ok(got)
    }
}

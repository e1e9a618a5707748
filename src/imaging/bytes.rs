//! Readers over a file in memory that stop a decoder once its time is up.
//!
//! Decoders cannot be interrupted from outside, but all of them come back for more bytes: from the
//! deadline on every read fails. What remains after the last read is bounded by the number of
//! pixels, which is limited beforehand.

use std::{
    io::{BufRead, Cursor, Error, Read, Result, Seek, SeekFrom},
    time::{Duration, Instant},
};

use zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZCursor, ZSeekFrom};

use crate::engine::vision::IntakeError;

/// Most bytes that one read may hand out, so that the clock is looked at often enough.
const STEP_BYTES: usize = 16 * 1024;

/// Reads between two looks at the clock where a decoder takes a few bytes at a time.
const READS_PER_LOOK: u32 = 4096;

/// When decoding must be over.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    /// `limit` from now.
    pub(super) fn after(limit: Duration) -> Self {
        Self {
            at: Instant::now() + limit,
            limit,
        }
    }

    /// Whether it has passed.
    pub(super) fn passed(&self) -> bool {
        Instant::now() >= self.at
    }

    /// The error for a decoder that failed with `detail`: its own fault, or that of time.
    pub(super) fn blame(&self, detail: impl std::fmt::Display) -> IntakeError {
        // From the deadline on every read fails, so whatever the decoder says then is the clock's
        // doing.
        if self.passed() {
            return IntakeError::TooSlow {
                limit_ms: u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX),
            };
        }
        IntakeError::Damaged {
            detail: detail.to_string().trim_end_matches(['.', '\n']).to_owned(),
        }
    }
}

/// A buffered, seekable reader that fails once the deadline has passed.
pub(super) struct TimedReader<'a> {
    inner: Cursor<&'a [u8]>,
    deadline: Deadline,
}

impl<'a> TimedReader<'a> {
    pub(super) fn new(bytes: &'a [u8], deadline: Deadline) -> Self {
        Self {
            inner: Cursor::new(bytes),
            deadline,
        }
    }

    fn look(&self) -> Result<()> {
        if self.deadline.passed() {
            Err(Error::other("out of time"))
        } else {
            Ok(())
        }
    }
}

impl Read for TimedReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        self.look()?;
        let step = buf.len().min(STEP_BYTES);
        self.inner.read(&mut buf[..step])
    }
}

impl BufRead for TimedReader<'_> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        self.look()?;
        // The whole file lies in the buffer: handed out at once, the decoder would never come back.
        let rest = self.inner.fill_buf()?;
        Ok(&rest[..rest.len().min(STEP_BYTES)])
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
    }
}

impl Seek for TimedReader<'_> {
    fn seek(&mut self, position: SeekFrom) -> Result<u64> {
        self.inner.seek(position)
    }
}

/// The same for the JPEG decoder, which reads four bytes at a time while decoding and other amounts
/// between scans.
pub(super) struct TimedJpegBytes<'a> {
    inner: ZCursor<&'a [u8]>,
    deadline: Deadline,
    reads: u32,
    expired: bool,
}

impl<'a> TimedJpegBytes<'a> {
    pub(super) fn new(bytes: &'a [u8], deadline: Deadline) -> Self {
        Self {
            inner: ZCursor::new(bytes),
            deadline,
            reads: 0,
            expired: false,
        }
    }

    #[inline]
    fn look(&mut self, now: bool) -> std::result::Result<(), ZByteIoError> {
        self.reads += 1;
        if now || self.reads >= READS_PER_LOOK {
            self.reads = 0;
            // Kept for good: this decoder passes over single reads that failed.
            self.expired = self.expired || self.deadline.passed();
        }
        if self.expired {
            Err(ZByteIoError::Generic("out of time"))
        } else {
            Ok(())
        }
    }
}

impl ZByteReaderTrait for TimedJpegBytes<'_> {
    #[inline]
    fn read_byte_no_error(&mut self) -> u8 {
        match self.look(false) {
            Ok(()) => self.inner.read_byte_no_error(),
            Err(_) => 0,
        }
    }

    #[inline]
    fn read_exact_bytes(&mut self, buf: &mut [u8]) -> std::result::Result<(), ZByteIoError> {
        // A scan over many empty blocks takes few bytes but much time, so the headers between scans
        // always look.
        self.look(buf.len() != 4)?;
        self.inner.read_exact_bytes(buf)
    }

    fn read_bytes(&mut self, buf: &mut [u8]) -> std::result::Result<usize, ZByteIoError> {
        self.look(true)?;
        self.inner.read_bytes(buf)
    }

    fn peek_bytes(&mut self, buf: &mut [u8]) -> std::result::Result<usize, ZByteIoError> {
        // Looking ahead and seeking decode nothing: the read that follows looks at the clock.
        self.inner.peek_bytes(buf)
    }

    fn peek_exact_bytes(&mut self, buf: &mut [u8]) -> std::result::Result<(), ZByteIoError> {
        self.inner.peek_exact_bytes(buf)
    }

    fn z_seek(&mut self, from: ZSeekFrom) -> std::result::Result<u64, ZByteIoError> {
        self.inner.z_seek(from)
    }

    #[inline]
    fn is_eof(&mut self) -> std::result::Result<bool, ZByteIoError> {
        self.look(false)?;
        self.inner.is_eof()
    }

    fn z_position(&mut self) -> std::result::Result<u64, ZByteIoError> {
        self.inner.z_position()
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> std::result::Result<usize, ZByteIoError> {
        self.inner.read_remaining(sink)
    }
}

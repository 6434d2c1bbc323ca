//! As much HTTP/1.1 as the proxy needs: one request a connection, bodies by length or in chunks.

use std::io::{BufRead as _, BufReader, Error, Read, Result, Write};
use std::net::TcpStream;

/// Headers that concern one connection only, and those the client sets itself.
const OF_THE_CONNECTION: [&str; 7] = ["connection", "host", "content-length", "transfer-encoding", "keep-alive", "te", "proxy-connection"];

/// A request as it was read.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Question {
    pub(super) fn read(connection: &mut TcpStream) -> Result<Self> {
        let mut reader = BufReader::new(connection);
        let first = line(&mut reader)?;
        let mut words = first.split(' ').map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(Error::other("the request line is not one"));
        };
        let mut headers = Vec::new();
        loop {
            let header = line(&mut reader)?;
            match header.split_once(':') {
                Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
                None if header.is_empty() => break,
                None => return Err(Error::other("a header is not one")),
            }
        }
        let mut question = Self { method, target, headers, body: Vec::new() };
        question.body = question.read_body(&mut reader)?;
        Ok(question)
    }

    fn read_body(&self, reader: &mut BufReader<&mut TcpStream>) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        if let Some(length) = self.header("content-length") {
            reader.take(length.parse().map_err(Error::other)?).read_to_end(&mut body)?;
        } else if self.header("transfer-encoding").is_some() {
            read_chunks(reader, &mut body)?;
        }
        Ok(body)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(super) fn headers_to_pass_on(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_passed = |name: &str| !OF_THE_CONNECTION.contains(&name.to_ascii_lowercase().as_str());
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(move |(name, _)| is_passed(name))
    }

    pub(super) fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    pub(super) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

fn line(reader: &mut BufReader<&mut TcpStream>) -> Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err(Error::other("the connection ended within a line")),
    }
}

fn read_chunks(reader: &mut BufReader<&mut TcpStream>, body: &mut Vec<u8>) -> Result<()> {
    loop {
        let length = u64::from_str_radix(&line(reader)?, 16).map_err(Error::other)?;
        reader.take(length).read_to_end(body)?;
        line(reader)?;
        if length == 0 {
            return Ok(());
        }
    }
}

/// The real server's answer.
#[derive(Debug)]
pub(super) struct Answer(reqwest::blocking::Response);

impl From<reqwest::blocking::Response> for Answer {
    fn from(response: reqwest::blocking::Response) -> Self {
        Self(response)
    }
}

impl Answer {
    fn headers(&self) -> Vec<(String, String)> {
        let shown = self.0.headers().iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        shown.filter(|(name, _)| !OF_THE_CONNECTION.contains(&name.as_str())).collect()
    }

    /// Sends it on as it comes in, watches included. Where the real connection breaks, so does this one.
    pub(super) fn pass_on(mut self, connection: &mut TcpStream) -> Result<()> {
        send_head(connection, self.0.status().as_u16(), &self.headers())?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let length = self.0.read(&mut buffer)?;
            send_chunk(connection, &buffer[..length])?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// The answer with its whole body.
    pub(super) fn whole(self) -> Result<Whole> {
        let (status, headers) = (self.0.status().as_u16(), self.headers());
        let body = self.0.bytes().map_err(Error::other)?.to_vec();
        Ok(Whole { status, headers, body })
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The head of an answer whose body comes in chunks.
pub(super) fn send_head(connection: &mut TcpStream, status: u16, headers: &[(String, String)]) -> Result<()> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(connection, "HTTP/1.1 {status} .\r\n{headers}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
}

/// A chunk; an empty one ends the body.
pub(super) fn send_chunk(connection: &mut impl Write, bytes: &[u8]) -> Result<()> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    connection.write_all(&chunk)
}

/// A whole answer.
pub(super) fn send(connection: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<()> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    write!(connection, "HTTP/1.1 {status} .\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    connection.write_all(body)
}

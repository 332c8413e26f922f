//! One broker, which is its own controller.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use super::jars::installed;
use super::ports::free_ports;
use super::proxy::Proxy;
use super::tls;

/// Who may come in at the secured door.
pub const USER: &str = "vitalog";
pub const PASSWORD: &str = "correct horse battery staple";

/// Small, quick to start, and no more than it needs.
const JAVA: [&str; 5] = ["-Xms128m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"];
/// Starts what it is given, says its id, and kills it when nobody holds the other end of its input any more.
const LEASH: &str = r#""$@" </dev/null >log 2>&1 & echo $!; cat >/dev/null; kill -KILL $!; wait $! 2>/dev/null"#;
/// A machine that does other things may be slow.
const READY: Duration = Duration::from_secs(90);

/// A running broker, or one that was ended and can be started again.
pub struct Broker {
    dir: tempfile::TempDir,
    plain: u16,
    secure: u16,
    through: u16,
    proxy: Proxy,
    running: Option<Running>,
}

struct Running {
    shell: Child,
    id: String,
    leash: Option<ChildStdin>,
}

impl Broker {
    /// A new one, formatted and started.
    ///
    /// # Panics
    /// Where it can't be had ([`installed`]), or does not start.
    pub fn start() -> Broker {
        let dir = tempfile::tempdir().expect("a directory");
        let [plain, secure, behind, controller] = free_ports();
        let before = TcpListener::bind("127.0.0.1:0").expect("a port");
        let through = before.local_addr().expect("bound").port();
        let (_, certificate) = tls::make(dir.path());
        let ports = Ports { plain, secure, behind, through, controller };
        fs::write(dir.path().join("server.properties"), properties(dir.path(), &certificate, &ports)).expect("written");
        let mut broker = Broker { dir, plain, secure, through, proxy: Proxy::start(before, behind), running: None };
        broker.format();
        broker.start_again();
        broker
    }

    /// Where it is reached without TLS.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.plain)
    }

    /// Where it is reached with TLS, by [`USER`] and [`PASSWORD`].
    pub fn secure_address(&self) -> String {
        format!("127.0.0.1:{}", self.secure)
    }

    /// Where it is reached through its proxy.
    pub fn proxied_address(&self) -> String {
        format!("127.0.0.1:{}", self.through)
    }

    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Who signed its certificate (PEM).
    pub fn authority(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// An authority that signed nothing (PEM).
    pub fn other_authority(&self) -> PathBuf {
        tls::authority(self.dir.path(), "other")
    }

    /// What a broker begins with says nothing of where it is: it is made once by a process, and the next have the same.
    fn format(&self) {
        static MADE: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
        let data = self.dir.path().join("data");
        let made = MADE.get_or_init(|| {
            self.make();
            files_of(&data)
        });
        fs::create_dir_all(&data).expect("made");
        for (name, content) in made {
            fs::write(data.join(name), content).expect("written");
        }
    }

    fn make(&self) {
        let (mechanisms, mut args) = (["SCRAM-SHA-256", "SCRAM-SHA-512"], Vec::new());
        for mechanism in mechanisms {
            args.extend(["--add-scram".to_owned(), format!("{mechanism}=[name={USER},password={PASSWORD}]")]);
        }
        let format = ["kafka.tools.StorageTool", "format", "-t", "vitalogvitalogvitalogv", "-c", "server.properties"];
        let out = self.java(&format).args(args).stdin(Stdio::null()).output().expect("java runs");
        assert!(out.status.success(), "{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    }

    fn classpath() -> String {
        let jars = installed().unwrap_or_else(|why| panic!("no broker: {why}"));
        format!("{}/*", jars.display())
    }

    fn java(&self, args: &[&str]) -> Command {
        let mut java = Command::new("java");
        java.args(JAVA).args(["-cp", &Broker::classpath()]).args(args).current_dir(self.dir.path());
        java
    }

    /// Starts it where it was ended, and waits until it answers.
    ///
    /// # Panics
    /// Where it runs, or does not come up.
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "it runs");
        let mut shell = Command::new("sh");
        shell.args(["-c", LEASH, "sh", "java"]).args(JAVA).args([
            "-cp",
            &Broker::classpath(),
            "kafka.Kafka",
            "server.properties",
        ]);
        let mut shell = shell
            .current_dir(self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let leash = shell.stdin.take();
        let mut id = String::new();
        BufReader::new(shell.stdout.take().expect("piped")).read_line(&mut id).expect("its id");
        self.running = Some(Running { shell, id: id.trim().to_owned(), leash });
        let until = Instant::now() + READY;
        while TcpStream::connect(self.address()).is_err() {
            assert!(Instant::now() < until, "the broker does not come up: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn signal(&self, name: &str) {
        let running = self.running.as_ref().expect("it runs");
        let sent = Command::new("kill").args([name, &running.id]).status().expect("kill is there");
        assert!(sent.success(), "kill {name} {}", running.id);
    }

    /// Ends it in order.
    pub fn stop(&mut self) {
        self.signal("-TERM");
        let id = self.running.as_ref().map(|running| running.id.clone()).unwrap_or_default();
        let until = Instant::now() + READY;
        while Path::new("/proc").join(&id).join("exe").exists() && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        self.release();
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        self.release();
    }

    /// Stops it in its tracks: connections stay, and nobody answers.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn release(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.leash.take());
            let _ = running.shell.wait();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.release();
    }
}

/// All files of a folder that has no other folders.
fn files_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let read = |entry: fs::DirEntry| (entry.file_name().into_string().expect("a name"), fs::read(entry.path()).expect("a file"));
    entries.map(read).collect()
}

struct Ports {
    plain: u16,
    secure: u16,
    behind: u16,
    through: u16,
    controller: u16,
}

fn properties(dir: &Path, certificate: &Path, ports: &Ports) -> String {
    let Ports { plain, secure, behind, through, controller } = ports;
    let (data, certificate) = (dir.join("data"), certificate.display());
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAIN://127.0.0.1:{plain},SECURE://127.0.0.1:{secure},BEHIND://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{plain},SECURE://127.0.0.1:{secure},BEHIND://127.0.0.1:{through}
listener.security.protocol.map=PLAIN:PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
inter.broker.listener.name=PLAIN
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={certificate}
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";
log.dirs={}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.segment.delete.delay.ms=0
num.network.threads=2
num.io.threads=2
",
        data.display()
    )
}

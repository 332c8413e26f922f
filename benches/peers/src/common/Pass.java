import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** What one pass over the readings came to, and its line of JSON. */
final class Pass {
    /** Readings handed over. */
    volatile long readings;
    volatile long matches;
    volatile long started;
    volatile long ended;
    volatile boolean complete = true;
    private volatile long processor;

    /** Nanoseconds that a pass may take. */
    static final long CAP = (long) (Double.parseDouble(System.getProperty("peer.seconds", "60")) * 1e9);

    void start() {
        processor = used();
        started = System.nanoTime();
    }

    void end() {
        ended = System.nanoTime();
        processor = used() - processor;
    }

    /** Asked every 256 readings. True: stop here. */
    boolean over() {
        if (System.nanoTime() - started < CAP) return false;
        complete = false;
        return true;
    }

    void print(String peer, String workload) throws IOException {
        double seconds = (ended - started) / 1e9;
        System.out.println(String.format(Locale.ROOT,
            "{\"peer\":\"%s\",\"workload\":\"%s\",\"readings\":%d,\"matches\":%d,\"seconds\":%.6f,\"readings_per_second\":%.0f,\"cpu_seconds\":%.3f,\"peak_rss_mb\":%.1f,\"complete\":%b}",
            peer, workload, readings, matches, seconds, readings / seconds, processor / 1e9, peak(), complete));
    }

    /** Nanoseconds of processor time of the whole process, of its compiler and collector too. */
    private static long used() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** The process's high-water mark in 10^6 bytes, the file's readings included. */
    private static double peak() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("\\D", "")) * 1024 / 1e6;
        }
        return 0;
    }

    /** The name and version of the jar that a class came from, `flink-cep-1.20.5.jar` as `flink-cep 1.20.5`. */
    static String jar(Class<?> of, String name) {
        String file = Path.of(of.getProtectionDomain().getCodeSource().getLocation().getPath()).getFileName().toString();
        return name + " " + file.replaceAll("^.*?-(\\d.*)\\.jar$", "$1");
    }
}

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;

/**
 * Reads a file of `subject_number,stream,at_microseconds,value` into memory, before anything is timed.
 *
 * Readings of one instant are put into the order carbs, bg, exercise, bp: "strictly later" and "strictly between" do not depend on the file's order, while both peers take equal instants as they come.
 */
final class Input {
    final Reading[] readings;
    final int subjects;
    final long last;

    private Input(Reading[] readings, int subjects, long last) {
        this.readings = readings;
        this.subjects = subjects;
        this.last = last;
    }

    static Input read(String file) throws IOException {
        ArrayList<Reading> list = new ArrayList<>();
        int subjects = 0;
        long number = 0;
        try (BufferedReader lines = Files.newBufferedReader(Path.of(file), StandardCharsets.US_ASCII)) {
            for (String line; (line = lines.readLine()) != null; ) {
                number++;
                if (line.isBlank()) continue;
                String[] parts = line.split(",", -1);
                if (parts.length != 4) throw new IOException("line " + number + ": four fields are wanted");
                Reading reading = new Reading(Integer.parseInt(parts[0]), stream(parts[1], number), Long.parseLong(parts[2]), parts[3].isEmpty() ? 0 : Double.parseDouble(parts[3]));
                if (!list.isEmpty() && list.get(list.size() - 1).at > reading.at) throw new IOException("line " + number + ": earlier than the line before");
                subjects = Math.max(subjects, reading.subject + 1);
                list.add(reading);
            }
        }
        if (list.isEmpty()) throw new IOException("no reading");
        Reading[] readings = list.toArray(new Reading[0]);
        Arrays.sort(readings, Comparator.<Reading>comparingLong(r -> r.at).thenComparingInt(r -> r.stream));
        return new Input(readings, subjects, readings[readings.length - 1].at);
    }

    private static int stream(String name, long number) throws IOException {
        switch (name) {
            case "carbs": return Reading.CARBS;
            case "bg": return Reading.BG;
            case "exercise": return Reading.EXERCISE;
            case "bp": return Reading.BP;
            default: throw new IOException("line " + number + ": stream " + name + " is none of carbs, bg, exercise, bp");
        }
    }
}

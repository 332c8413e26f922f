import io.siddhi.core.SiddhiAppRuntime;
import io.siddhi.core.SiddhiManager;
import io.siddhi.core.event.Event;
import io.siddhi.core.stream.input.InputHandler;
import io.siddhi.core.stream.output.StreamCallback;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * One workload in Siddhi, in the thread that sends: every junction is synchronous.
 *
 * The applications are `*.siddhi` beside this file. Siddhi's clock counts "milliseconds"; it is fed microseconds, so that each duration there is a thousand times as long as it reads.
 */
public final class SiddhiPeer {
    private static final String[] STREAMS = {"Carbs", "Bg", "Exercise", "Bp"};

    public static void main(String[] args) throws Exception {
        String workload = args[0];
        Input input = Input.read(args[1]);
        String app = Files.readString(Path.of(System.getProperty("peer.queries"), workload + ".siddhi"));

        String[] subjects = new String[input.subjects];
        for (int s = 0; s < subjects.length; s++) subjects[s] = Integer.toString(s);
        Event[] events = new Event[input.readings.length];
        for (int i = 0; i < events.length; i++) {
            Reading r = input.readings[i];
            events[i] = new Event(r.at, new Object[] {subjects[r.subject], r.at, r.value});
        }

        pass(app, workload, input, events);
        System.gc();
        pass(app, workload, input, events).print(Pass.jar(SiddhiManager.class, "siddhi"), workload);
        System.exit(0);
    }

    private static Pass pass(String app, String workload, Input input, Event[] events) throws Exception {
        SiddhiManager manager = new SiddhiManager();
        SiddhiAppRuntime runtime = manager.createSiddhiAppRuntime(app);
        Pass pass = new Pass();
        Counter counter = workload.equals("sequence") || workload.equals("iteration") ? new Disjoint(input.subjects) : new Counter();
        runtime.addCallback("Matches", counter);
        // Siddhi logs an exception and drops the event; here it ends the run.
        runtime.handleRuntimeExceptionWith(e -> {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        });
        runtime.start();
        InputHandler[] handlers = new InputHandler[STREAMS.length];
        for (int s = 0; s < STREAMS.length; s++) handlers[s] = runtime.getInputHandler(STREAMS[s]);
        InputHandler clock = runtime.getInputHandler("Clock");

        Reading[] readings = input.readings;
        int i = 0;
        pass.start();
        for (; i < readings.length; i++) {
            if ((i & 255) == 0 && pass.over()) break;
            handlers[readings[i].stream].send(events[i]);
        }
        // A silence of an hour is over one microsecond after its hour: the clock goes on by that much, for silences that end with the file.
        if (i == readings.length) clock.send(input.last + 1, new Object[] {input.last + 1});
        pass.end();
        pass.readings = i;
        pass.matches = counter.matches;
        runtime.shutdown();
        manager.shutdown();
        return pass;
    }

    private static class Counter extends StreamCallback {
        long matches;

        @Override
        public void receive(Event[] events) {
            matches += events.length;
        }
    }

    /** Of the matches `(subject, from, to)` in order of their end, and of one end in order of their start, those that begin strictly after the end of the one taken before. SiddhiQL has no such skip. */
    private static final class Disjoint extends Counter {
        private final long[] taken;

        Disjoint(int subjects) {
            taken = new long[subjects];
            Arrays.fill(taken, Long.MIN_VALUE);
        }

        @Override
        public void receive(Event[] events) {
            for (Event event : events) {
                int subject = Integer.parseInt((String) event.getData(0));
                if ((long) event.getData(1) <= taken[subject]) continue;
                taken[subject] = (long) event.getData(2);
                matches++;
            }
        }
    }
}

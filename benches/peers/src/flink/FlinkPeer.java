import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.api.common.restartstrategy.RestartStrategies;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.cep.CEP;
import org.apache.flink.cep.functions.PatternProcessFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamUtils;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.SinkFunction;
import org.apache.flink.streaming.api.functions.source.SourceFunction;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.util.Collector;

import java.util.List;
import java.util.Map;

/**
 * One workload in Flink: source, filter, CEP and sink in one chain and so in one thread.
 *
 * A keyBy would put an exchange between two threads; the source's readings are of one partition already, so they are reinterpreted as keyed, and the chain holds.
 */
public final class FlinkPeer {
    /** Both ends of the job are in this process: what they share need not be serialised. */
    static Input input;
    static Pass pass;
    static final int BATCH = Integer.getInteger("peer.watermark", 1000);

    public static void main(String[] args) throws Exception {
        String workload = args[0];
        input = Input.read(args[1]);
        pass(workload);
        System.gc();
        pass(workload);
        pass.print(Pass.jar(CEP.class, "flink-cep"), workload);
        System.exit(0);
    }

    private static void pass(String workload) throws Exception {
        pass = new Pass();
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1);
        env.setRuntimeMode(RuntimeExecutionMode.STREAMING);
        env.setRestartStrategy(RestartStrategies.noRestart());
        env.getConfig().enableObjectReuse();
        env.getConfig().setAutoWatermarkInterval(0);

        DataStream<Reading> wanted = env.addSource(new Source(), new ReadingType()).filter(wanted(workload));
        KeyedStream<Reading, Integer> keyed = DataStreamUtils.reinterpretAsKeyedStream(wanted, r -> r.subject, Types.INT);
        DataStream<Reading> matches = workload.equals("window")
            ? keyed.process(new Window()).returns(new ReadingType())
            : CEP.pattern(keyed, Patterns.of(workload)).inEventTime().process(new First(), new ReadingType());
        matches.addSink(new Sink(workload.equals("absence")));
        env.execute(workload);
    }

    /** What cannot matter is left out before the keyed operator, which is the dear part. */
    private static FilterFunction<Reading> wanted(String workload) {
        switch (workload) {
            case "sequence": return r -> r.stream == Reading.CARBS ? r.value >= 30 : r.stream == Reading.BG ? r.value > 180 : r.stream == Reading.EXERCISE;
            case "iteration": return r -> r.stream == Reading.BP;
            default: return r -> r.stream == Reading.BG;
        }
    }

    /** A watermark after each thousand readings, so that the engine may sort and match in batches. The last one, of the end of time, is Flink's own. */
    private static final class Source implements SourceFunction<Reading> {
        private volatile boolean running = true;

        @Override
        public void run(SourceContext<Reading> context) {
            Reading[] readings = input.readings;
            int i = 0;
            pass.start();
            while (i < readings.length && running && !pass.over()) {
                int end = Math.min(i + BATCH, readings.length);
                for (; i < end; i++) context.collectWithTimestamp(readings[i], readings[i].at);
                // Readings of this very instant may follow.
                context.emitWatermark(new Watermark(readings[i - 1].at - 1));
            }
            pass.readings = i;
        }

        @Override
        public void cancel() {
            running = false;
        }
    }

    private static final class First extends PatternProcessFunction<Reading, Reading> {
        @Override
        public void processMatch(Map<String, List<Reading>> match, Context context, Collector<Reading> out) {
            for (List<Reading> readings : match.values()) {
                out.collect(readings.get(0));
                return;
            }
        }
    }

    /** Counts. Of silences only those that were over by the last instant: Flink closes a finite stream with the end of time. */
    private static final class Sink implements SinkFunction<Reading> {
        private final boolean silences;
        private long matches;

        Sink(boolean silences) {
            this.silences = silences;
        }

        @Override
        public void invoke(Reading start, Context context) {
            if (!silences || start.at + 3_600_000_000L <= input.last) matches++;
        }

        @Override
        public void finish() {
            pass.end();
            pass.matches = matches;
        }
    }
}

import java.io.File;
import java.io.IOException;
import java.io.Reader;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * ZooKeeper and the services of Druid in one JVM, to save memory and time of start.
 * Druid keeps state in statics, one per process as it thinks; so each service has a class loader of its own.
 * Arguments: folder of jars, folder of configuration. If one service ends, the whole process ends.
 */
public final class DruidOneJvm {
  private static final Map<String, String> SERVICES = Map.of(
      "coordinator", "CliCoordinator", "indexer", "CliIndexer", "historical", "CliHistorical", "broker", "CliBroker");

  public static void main(String[] arguments) throws IOException {
    Path jars = Path.of(arguments[0]);
    Path conf = Path.of(arguments[1]);
    inOwnLoader("zookeeper", jars, conf, loader -> startZooKeeper(loader, conf));
    for (String name : SERVICES.keySet()) {
      inOwnLoader(name, jars, conf, loader -> startService(loader, name, conf));
    }
  }

  private interface Start {
    void in(ClassLoader loader) throws Exception;
  }

  private static void inOwnLoader(String name, Path jars, Path conf, Start start) throws IOException {
    List<URL> urls = new ArrayList<>();
    urls.add(conf.toUri().toURL());
    File[] files = jars.toFile().listFiles((folder, file) -> file.endsWith(".jar"));
    Arrays.sort(files);
    for (File file : files) {
      urls.add(file.toURI().toURL());
    }
    ClassLoader loader = new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
    Thread thread = new Thread(() -> endProcessWhenItFails(loader, start), name);
    thread.setContextClassLoader(loader);
    thread.start();
  }

  private static void endProcessWhenItFails(ClassLoader loader, Start start) {
    try {
      start.in(loader);
    } catch (Throwable failure) {
      failure.printStackTrace();
      Runtime.getRuntime().halt(3);
    }
  }

  private static void startZooKeeper(ClassLoader loader, Path conf) throws Exception {
    loader.loadClass("org.apache.zookeeper.server.ZooKeeperServerMain")
        .getMethod("main", String[].class)
        .invoke(null, (Object) new String[] {conf.resolve("zoo.cfg").toString()});
  }

  /** As Druid's own main does, with properties from two files in place of those on the class path. */
  private static void startService(ClassLoader loader, String name, Path conf) throws Exception {
    Class<?> type = loader.loadClass("org.apache.druid.guice.StartupInjectorBuilder");
    Object builder = type.getConstructor().newInstance();
    builder = type.getMethod("withProperties", Properties.class)
        .invoke(builder, properties(conf.resolve("common.properties"), conf.resolve(name + ".properties")));
    builder = type.getMethod("withExtensions").invoke(builder);
    Object injector = type.getMethod("build").invoke(builder);
    Object command = loader.loadClass("org.apache.druid.cli." + SERVICES.get(name)).getConstructor().newInstance();
    loader.loadClass("com.google.inject.Injector").getMethod("injectMembers", Object.class).invoke(injector, command);
    ((Runnable) command).run();
  }

  private static Properties properties(Path... files) throws IOException {
    Properties properties = new Properties();
    properties.putAll(System.getProperties());
    for (Path file : files) {
      try (Reader reader = Files.newBufferedReader(file)) {
        properties.load(reader);
      }
    }
    return properties;
  }
}

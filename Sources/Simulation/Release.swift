/// What this program calls itself in the files it writes.
public enum Release {
  public static let version = "0.1.0"
}

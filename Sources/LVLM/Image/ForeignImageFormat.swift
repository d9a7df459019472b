/// Formats of pictures that are told by their first bytes and not read here.
enum ForeignImageFormat: String {
  /// Graphics Interchange Format, 87a and 89a.
  case gif = "GIF"
  /// Windows bitmap.
  case bitmap = "BMP"
  /// Little- or big-endian TIFF, camera raw files among them.
  case tiff = "TIFF"
  /// AV1 in an ISO base media file.
  case avif = "AVIF"
  /// HEVC in an ISO base media file, as phones write it.
  case heic = "HEIC"
  /// The box and the bare form.
  case jpegXL = "JPEG XL"
  /// The box and the bare form.
  case jpeg2000 = "JPEG 2000"
  /// Photoshop.
  case photoshop = "PSD"
  /// Windows icon.
  case icon = "ICO"
  /// An XML text.
  case svg = "SVG"
  /// A document.
  case pdf = "PDF"
  /// A web page, as a failed download leaves it.
  case html = "HTML page"
  /// What a checkout without Git LFS has in a file's place.
  case lfsPointer = "Git LFS pointer"

  /// The format that begins with these bytes, of which a dozen are enough.
  init?(_ bytes: [UInt8]) {
    func begins(_ text: String, at start: Int = 0) -> Bool {
      bytes.dropFirst(start).starts(with: Array(text.utf8))
    }
    let text = String(decoding: bytes, as: UTF8.self).lowercased()
    let brand = begins("ftyp", at: 4) ? String(decoding: bytes.dropFirst(8).prefix(4), as: UTF8.self) : ""
    switch true {
    case begins("GIF8"): self = .gif
    case begins("BM"): self = .bitmap
    case begins("II*\0") || begins("MM\0*"): self = .tiff
    case brand.hasPrefix("avi"): self = .avif
    case ["heic", "heix", "hevc", "mif1", "msf1"].contains(brand): self = .heic
    case bytes.starts(with: [0xFF, 0x0A]) || begins("JXL ", at: 4): self = .jpegXL
    case begins("jP  ", at: 4) || bytes.starts(with: [0xFF, 0x4F, 0xFF, 0x51]): self = .jpeg2000
    case begins("8BPS"): self = .photoshop
    case bytes.starts(with: [0, 0, 1, 0]): self = .icon
    case begins("%PDF"): self = .pdf
    case begins("version https:/"): self = .lfsPointer
    case text.hasPrefix("<svg") || text.hasPrefix("<?xml"): self = .svg
    case text.hasPrefix("<!doctype html") || text.hasPrefix("<html"): self = .html
    default: return nil
    }
  }
}

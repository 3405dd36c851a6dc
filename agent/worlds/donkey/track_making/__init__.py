"""Making tracks: from points, a drawing or a drive to a scene file, and what a car cannot drive."""

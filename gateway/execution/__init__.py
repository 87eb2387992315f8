"""A plan and its variables -> the data of the answer.

executor.py              each fetch as soon as what it reads from is there
representations.py       entities out of the data, and their fields back into it
whole_objects.py         what arrives whole, and how to decode it
response.py              data -> the answer's shape
"""
